// Deletes an agent and everything that could speak for it.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { AgentStore } from "./agent.ts";
import { reachableAgent, type ReachableAgentDeps } from "./reachable-agent.ts";

export interface DeleteAgentDeps extends ReachableAgentDeps, RequireGrantDeps {
  agents: Pick<AgentStore, "get" | "delete">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws AGENT_NOT_FOUND, MFA_REQUIRED. The sockets close on the events that are published. */
export async function deleteAgent(
  deps: DeleteAgentDeps,
  input: { caller: UserIdentity; agentId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  await requireGrant(deps, { identity: caller, agent });
  input.signal?.throwIfAborted();
  const deleted = await deps.agents.delete(agent.id, {
    at: new Date(deps.clock.now()),
    type: "agent.deleted",
    subject: `agent:${agent.id}`,
    actor: `user:${caller.user.id}`,
    userId: agent.userId,
    detail: { name: agent.name },
  });
  if (deleted === undefined) throw new DomainError("AGENT_NOT_FOUND");
  deps.events.publish({ type: "limits.changed", userId: agent.userId });
  // Tokens first: whoever hears of the agent's end must find none of them alive.
  for (const tokenHash of deleted.tokenHashes) {
    deps.events.publish({ type: "token.revoked", tokenHash, userId: agent.userId });
  }
  deps.events.publish({ type: "agent.deleted", agentId: agent.id, userId: agent.userId });
}
