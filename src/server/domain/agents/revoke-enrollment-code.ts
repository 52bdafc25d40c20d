// Ends an enrolment code that nobody has used.

import { type EnrollmentCodeId, parseUuid } from "../../../protocol/ids.ts";
import type { Refusals } from "../access/refusals.ts";
import { mayReach, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EnrollmentCodeStore } from "./enrollment-codes.ts";

export interface RevokeEnrollmentCodeDeps {
  enrollmentCodes: Pick<EnrollmentCodeStore, "get" | "revoke">;
  refusals: Pick<Refusals, "note">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, ENROLLMENT_CODE_NOT_FOUND: also for another user's, and for one that has been used or has ended. */
export async function revokeEnrollmentCode(
  deps: RevokeEnrollmentCodeDeps,
  input: { caller: UserIdentity; enrollmentCodeId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const id = parseUuid<EnrollmentCodeId>(input.enrollmentCodeId);
  if (id === undefined) throw invalidField("enrollment_code_id", "must be a UUID");
  const code = await deps.enrollmentCodes.get(id);
  if (code === undefined) throw new DomainError("ENROLLMENT_CODE_NOT_FOUND");
  const subject = `enrollment_code:${id}`;
  const { userId } = code;
  if (!mayReach(caller, code)) {
    deps.refusals.note({ identity: caller, subject, userId, detail: { reason: "ENROLLMENT_CODE_NOT_FOUND" } });
    throw new DomainError("ENROLLMENT_CODE_NOT_FOUND");
  }
  input.signal?.throwIfAborted();
  const isRevoked = await deps.enrollmentCodes.revoke(id, {
    at: new Date(deps.clock.now()),
    type: "enrollment_code.revoked",
    subject,
    actor: `user:${caller.user.id}`,
    userId,
    detail: { name: code.name },
  });
  if (!isRevoked) throw new DomainError("ENROLLMENT_CODE_NOT_FOUND");
}
