// Locks an agent behind its owner's second factor.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { agentRecord } from "./audit-records.ts";
import type { MfaStore } from "./mfa.ts";

export interface LockAgentDeps extends ReachableAgentDeps {
  mfa: Pick<MfaStore, "lockAgent">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/**
 * Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_NOT_ENROLLED (its owner has no MFA). Locking twice changes nothing.
 * Terminals without a grant close on the event that is published.
 */
export async function lockAgent(
  deps: LockAgentDeps,
  input: { caller: UserIdentity; agentId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  input.signal?.throwIfAborted();
  const outcome = await deps.mfa.lockAgent(agent.id, agentRecord("mfa.locked", { caller, agent }, deps.clock));
  switch (outcome) {
    case "locked":
      deps.events.publish({
        type: "mfa.locked",
        agentId: agent.id,
        userId: agent.userId,
        byUserId: caller.user.id,
      });
      return;
    case "locked_before":
      return;
    case "not_enrolled":
      throw new DomainError("MFA_NOT_ENROLLED");
    case undefined:
      throw new DomainError("AGENT_NOT_FOUND");
    default:
      outcome satisfies never;
  }
}
