// Opens a locked agent to one login of one user for a while, for a code of that user's.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent } from "../agents/reachable-agent.ts";
import { DomainError } from "../domain-error.ts";
import { agentRecord } from "./audit-records.ts";
import { proveCode } from "./prove-code.ts";
import type { UnlockAgentDeps } from "./unlock-agent.ts";

/**
 * Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_NOT_ENROLLED, MFA_REQUIRED, TOO_MANY_ATTEMPTS, and NOT_AUTHORIZED for a
 * credential that names no login: its grant would be everybody's. An agent that is not locked may be verified, too:
 * the login then stays when it is.
 */
export async function verifyAccess(
  deps: UnlockAgentDeps,
  input: { caller: UserIdentity; agentId: string; code: string; signal?: AbortSignal },
): Promise<{ grantedUntil: Date }> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  const { sid } = caller.credential;
  if (sid === undefined) throw new DomainError("NOT_AUTHORIZED");
  const { code, signal } = input;
  const proved = agentRecord("mfa.verified", { caller, agent }, deps.clock);
  const until = new Date(proved.at.getTime() + deps.mfaPolicy.grantMs);
  const effect = { kind: "grant", agentId: agent.id, sid, until } as const;
  await proveCode(deps, { caller, code, effect, agentId: agent.id, proved, signal });
  deps.events.publish({ type: "mfa.verified", userId: caller.user.id, agentId: agent.id });
  return { grantedUntil: until };
}
