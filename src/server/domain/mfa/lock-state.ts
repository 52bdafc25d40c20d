// What a caller should know before it asks for a code: is there a lock, a grant, a lock-out?

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import type { MfaStore } from "./mfa.ts";

export interface LockStateDeps extends ReachableAgentDeps {
  mfa: Pick<MfaStore, "state" | "grantedUntil">;
  clock: Clock;
}

export interface LockState {
  /** Of the caller's own account. */
  enrolled: boolean;
  locked: boolean;
  lockedAt: Date | undefined;
  /** Of the caller's login. */
  grantedUntil: Date | undefined;
  lockedOutForMs: number | undefined;
}

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND. Without an agent ("") it is the account alone that is told of. */
export async function lockState(
  deps: LockStateDeps,
  input: { caller: UserIdentity; agentId: string },
): Promise<LockState> {
  const caller = requireScope(input.caller, "read");
  const agent = input.agentId === "" ? undefined : await reachableAgent(deps, { caller, agentId: input.agentId });
  const { id: userId } = caller.user;
  const { sid } = caller.credential;
  const { enrolled, lockedUntil } = await deps.mfa.state(userId);
  const until =
    agent === undefined || sid === undefined
      ? undefined
      : await deps.mfa.grantedUntil({ userId, agentId: agent.id, sid });
  const now = deps.clock.now();
  const lockedOutForMs = (lockedUntil?.getTime() ?? 0) - now;
  return {
    enrolled,
    locked: agent?.mfaLocked ?? false,
    lockedAt: agent?.mfaLockedAt,
    grantedUntil: until !== undefined && until.getTime() > now ? until : undefined,
    lockedOutForMs: lockedOutForMs > 0 ? lockedOutForMs : undefined,
  };
}
