// Unlocks an agent for good, for a code of the caller's.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { agentRecord } from "./audit-records.ts";
import { proveCode, type ProveCodeDeps } from "./prove-code.ts";

export type UnlockAgentDeps = ReachableAgentDeps & ProveCodeDeps;

/**
 * Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_NOT_ENROLLED, MFA_REQUIRED, TOO_MANY_ATTEMPTS. An agent that is not
 * locked stays so, and no code is used up.
 */
export async function unlockAgent(
  deps: UnlockAgentDeps,
  input: { caller: UserIdentity; agentId: string; code: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  if (!agent.mfaLocked) return;
  const { code, signal } = input;
  const effect = { kind: "unlock", agentId: agent.id } as const;
  const proved = agentRecord("mfa.unlocked", { caller, agent }, deps.clock);
  const unlocked = await proveCode(deps, { caller, code, effect, agentId: agent.id, proved, signal });
  for (const agentId of unlocked) {
    deps.events.publish({ type: "mfa.unlocked", agentId, userId: agent.userId, byUserId: caller.user.id });
  }
}
