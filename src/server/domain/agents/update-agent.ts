// Changes what an owner may change of an agent.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { Agent, AgentChanges, AgentStore } from "./agent.ts";
import { checkAgentFields } from "./agent-fields.ts";
import { reachableAgent, type ReachableAgentDeps } from "./reachable-agent.ts";

export interface UpdateAgentDeps extends ReachableAgentDeps, RequireGrantDeps {
  agents: Pick<AgentStore, "get" | "update">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_NAME_TAKEN. Field names in violations carry "agent." as the request does. */
export async function updateAgent(
  deps: UpdateAgentDeps,
  input: {
    caller: UserIdentity;
    agentId: string;
    changes: AgentChanges;
    fieldPrefix?: string;
    signal?: AbortSignal;
  },
): Promise<Agent> {
  const caller = requireScope(input.caller, "write");
  checkAgentFields(input.changes, input.fieldPrefix ?? "agent.");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId, field: "agent.id" });
  await requireGrant(deps, { identity: caller, agent });
  input.signal?.throwIfAborted();
  const updated = await deps.agents.update(agent.id, input.changes, {
    at: new Date(deps.clock.now()),
    type: "agent.updated",
    subject: `agent:${agent.id}`,
    actor: `user:${caller.user.id}`,
    userId: agent.userId,
    detail: { fields: Object.keys(input.changes).join(",") },
  });
  if (updated === undefined) throw new DomainError("AGENT_NOT_FOUND");
  if (updated === "name_taken") throw new DomainError("AGENT_NAME_TAKEN");
  deps.events.publish({ type: "agent.updated", agent: updated });
  return updated;
}
