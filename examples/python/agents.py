"""Registers an agent, lists agents, or asks for a ticket to a terminal."""

import json
import uuid

from rexec import call, main

AGENTS = "rexec.agent.v1.AgentService"
SESSIONS = "rexec.session.v1.SessionService"


def register(name):
    # A retry with the same request id makes no second agent.
    made = call(AGENTS, "RegisterAgent", name=name, tags=["example"], request_id=str(uuid.uuid4()))
    print(json.dumps({"agent_id": made.agent.id, "token": made.token}))


def list_agents(*terms):
    page_token = ""
    while True:
        page = call(
            AGENTS, "ListAgents", page_size=2, page_token=page_token, filter=" ".join(terms), order_by="name"
        )
        for agent in page.agents:
            print(agent.name)
        page_token = page.next_page_token
        if page_token == "":
            return


def ticket(agent_id):
    opened = call(SESSIONS, "OpenTerminal", agent_id=agent_id)
    print(json.dumps({"url": opened.url, "ticket": opened.ticket, "session_id": opened.session_id}))


main({"register": register, "list": list_agents, "ticket": ticket})
