// AgentService: decodes, calls the domain, encodes.

import type { AgentServiceService } from "../../../gen/rexec/agent/v1/agent_service.ts";
import type { AgentChanges, AgentStore } from "../../domain/agents/agent.ts";
import { deleteAgent } from "../../domain/agents/delete-agent.ts";
import { getAgent } from "../../domain/agents/get-agent.ts";
import { listAgents } from "../../domain/agents/list-agents.ts";
import { registerAgent, type RegisterAgentDeps } from "../../domain/agents/register-agent.ts";
import { updateAgent, type UpdateAgentDeps } from "../../domain/agents/update-agent.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { AGENT_LIST } from "./agent-filter.ts";
import { agentMessage } from "./agent-message.ts";
import type { Handlers } from "./call-context.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";

export interface AgentServiceDeps extends RegisterAgentDeps, UpdateAgentDeps {
  agents: AgentStore;
  /** Seals page tokens; the same on every instance. */
  pageTokenKey: string;
}

export function agentService(deps: AgentServiceDeps): Handlers<typeof AgentServiceService> {
  return {
    async registerAgent({ caller, request, signal }) {
      const { requestId, ...agent } = request;
      const registered = await registerAgent(deps, { caller, agent, requestId, signal });
      return { agent: agentMessage(registered.agent), token: registered.token };
    },
    async getAgent({ caller, request }) {
      return { agent: agentMessage(await getAgent(deps, { caller, agentId: request.agentId })) };
    },
    async listAgents({ caller, request }) {
      const query = parseListRequest(AGENT_LIST, request, deps.pageTokenKey);
      const page = await listAgents(deps, { caller, query });
      return {
        agents: page.rows.map(agentMessage),
        nextPageToken: nextPageToken(AGENT_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async updateAgent({ caller, request, signal }) {
      const { agent, updateMask } = request;
      if (agent === undefined) throw invalidField("agent", "must be set");
      const changes = maskedChanges(agent, updateMask ?? []);
      return { agent: agentMessage(await updateAgent(deps, { caller, agentId: agent.id, changes, signal })) };
    },
    async deleteAgent({ caller, request, signal }) {
      await deleteAgent(deps, { caller, agentId: request.agentId, signal });
      return {};
    },
  };
}

/** The fields that the mask names, and no others. */
function maskedChanges(agent: Required<AgentChanges>, mask: readonly string[]): AgentChanges {
  if (mask.length === 0) throw invalidField("update_mask", "must name at least one field");
  const changes: AgentChanges = {};
  for (const path of mask) {
    switch (path) {
      case "name":
        changes.name = agent.name;
        break;
      case "description":
        changes.description = agent.description;
        break;
      case "shell":
        changes.shell = agent.shell;
        break;
      case "tags":
        changes.tags = agent.tags;
        break;
      default:
        throw invalidField("update_mask", "may name name, description, shell and tags only");
    }
  }
  return changes;
}
