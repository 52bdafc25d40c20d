// Turns a user's MFA on: the first code of the app shows that the secret has arrived there.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { userRecord } from "./audit-records.ts";
import { proveCode, type ProveCodeDeps } from "./prove-code.ts";

/** Throws MFA_NOT_ENROLLED (nothing to confirm), MFA_ALREADY_ENROLLED, MFA_REQUIRED, TOO_MANY_ATTEMPTS. */
export async function confirmEnrollment(
  deps: ProveCodeDeps,
  input: { caller: UserIdentity; code: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const proved = userRecord("mfa.enrolled", caller, deps.clock);
  await proveCode(deps, { ...input, caller, effect: { kind: "enroll" }, proved });
  deps.events.publish({ type: "mfa.enrolled", userId: caller.user.id });
}
