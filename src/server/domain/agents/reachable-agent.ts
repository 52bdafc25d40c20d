// Finds an agent for somebody. One that is another's and one that never was look the same.

import { type AgentId, parseUuid } from "../../../protocol/ids.ts";
import type { Refusals } from "../access/refusals.ts";
import { mayReach, type UserIdentity } from "../access/rules.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { Agent, AgentStore } from "./agent.ts";

export interface ReachableAgentDeps {
  agents: Pick<AgentStore, "get">;
  refusals: Pick<Refusals, "note">;
}

/** Throws INVALID_ARGUMENT for what is no id at all, AGENT_NOT_FOUND for an agent that the caller may not see. */
export async function reachableAgent(
  deps: ReachableAgentDeps,
  input: { caller: UserIdentity; agentId: string; field?: string },
): Promise<Agent> {
  const id = parseUuid<AgentId>(input.agentId);
  if (id === undefined) throw invalidField(input.field ?? "agent_id", "must be a UUID");
  const agent = await deps.agents.get(id);
  if (agent === undefined) throw new DomainError("AGENT_NOT_FOUND");
  if (mayReach(input.caller, agent)) return agent;
  deps.refusals.note({
    identity: input.caller,
    subject: `agent:${id}`,
    userId: agent.userId,
    detail: { reason: "AGENT_NOT_FOUND" },
  });
  throw new DomainError("AGENT_NOT_FOUND");
}
