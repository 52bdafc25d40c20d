// Turns a user's MFA off, and unlocks the user's agents with it: no code could open them any more.

import type { AgentId } from "../../../protocol/ids.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import { agentRecord, userRecord } from "./audit-records.ts";
import { proveCode, type ProveCodeDeps } from "./prove-code.ts";

/** Throws MFA_NOT_ENROLLED, MFA_REQUIRED, TOO_MANY_ATTEMPTS. */
export async function disableMfa(
  deps: ProveCodeDeps,
  input: { caller: UserIdentity; code: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const { id: userId } = caller.user;
  const proved = userRecord("mfa.disabled", caller, deps.clock);
  const unlocked = (id: AgentId) => agentRecord("mfa.unlocked", { caller, agent: { id, userId } }, deps.clock);
  const agentIds = await proveCode(deps, { ...input, caller, effect: { kind: "disable", unlocked }, proved });
  for (const agentId of agentIds) deps.events.publish({ type: "mfa.unlocked", agentId, userId, byUserId: userId });
  deps.events.publish({ type: "mfa.disabled", userId });
}
