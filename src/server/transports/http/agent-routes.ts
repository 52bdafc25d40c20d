// /api/agents: a thin mapping onto what AgentService calls, too.

import type { AgentStore } from "../../domain/agents/agent.ts";
import { deleteAgent } from "../../domain/agents/delete-agent.ts";
import { getAgent } from "../../domain/agents/get-agent.ts";
import { listAgents } from "../../domain/agents/list-agents.ts";
import { registerAgent, type RegisterAgentDeps } from "../../domain/agents/register-agent.ts";
import { updateAgent, type UpdateAgentDeps } from "../../domain/agents/update-agent.ts";
import { MAX_PAGE_SIZE } from "../../domain/page.ts";
import {
  AGENT_CHANGES,
  agentIdOf,
  agentJson,
  agentStatusJson,
  NEW_AGENT,
  parseBody,
  registeredJson,
} from "./agent-json.ts";
import type { CallerRoute } from "./route.ts";

export interface AgentRouteDeps extends RegisterAgentDeps, UpdateAgentDeps {
  agents: AgentStore;
}

export const AGENT_ROUTES: readonly CallerRoute<AgentRouteDeps>[] = [
  {
    method: "POST",
    path: "/api/agents",
    access: "write",
    action: "registration",
    async serve(deps, { caller, body, signal }) {
      const agent = parseBody(NEW_AGENT, await body());
      const registered = await registerAgent(deps, { caller, agent, requestId: "", signal });
      return { status: 201, body: registeredJson(registered) };
    },
  },
  {
    method: "GET",
    path: "/api/agents",
    access: "read",
    /** The caller's own, by name, up to a page; how many there are in all is a header. Filters and pages are gRPC's. */
    async serve(deps, { caller }) {
      const query = {
        filter: { userId: caller.user.id },
        order: { by: "name", descending: false },
        limit: MAX_PAGE_SIZE,
      } as const;
      const { rows, total } = await listAgents(deps, { caller, query });
      return { status: 200, body: rows.map(agentJson), headers: { "x-total-count": String(total) } };
    },
  },
  {
    method: "GET",
    path: "/api/agents/:id",
    access: "read",
    async serve(deps, { caller, params }) {
      return { status: 200, body: agentJson(await getAgent(deps, { caller, agentId: agentIdOf(params) })) };
    },
  },
  {
    method: "GET",
    path: "/api/agents/:id/status",
    access: "read",
    async serve(deps, { caller, params }) {
      return { status: 200, body: agentStatusJson(await getAgent(deps, { caller, agentId: agentIdOf(params) })) };
    },
  },
  {
    method: "PATCH",
    path: "/api/agents/:id",
    access: "write",
    async serve(deps, { caller, params, body, signal }) {
      const changes = parseBody(AGENT_CHANGES, await body());
      const agent = await updateAgent(deps, { caller, agentId: agentIdOf(params), changes, fieldPrefix: "", signal });
      return { status: 200, body: agentJson(agent) };
    },
  },
  {
    method: "DELETE",
    path: "/api/agents/:id",
    access: "write",
    async serve(deps, { caller, params, signal }) {
      await deleteAgent(deps, { caller, agentId: agentIdOf(params), signal });
      return { status: 200, body: { message: "agent deleted" } };
    },
  },
];
