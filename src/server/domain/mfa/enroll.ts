// Begins an enrolment: a secret for the user's app and recovery codes. Nothing is on until a code confirms it.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import { DomainError } from "../domain-error.ts";
import type { MfaStore, SecretSeal, Totp } from "./mfa.ts";
import { makeRecoveryCodes } from "./recovery-codes.ts";

export interface EnrollDeps {
  mfa: Pick<MfaStore, "beginEnrollment">;
  totp: Totp;
  seal: SecretSeal;
  secrets: Secrets;
}

export interface Enrollment {
  otpauthUrl: string;
  qrText: string;
  recoveryCodes: string[];
}

/** Throws MFA_ALREADY_ENROLLED. What it returns is shown this once; a second call makes the first one's void. */
export async function enroll(
  deps: EnrollDeps,
  input: { caller: UserIdentity; signal?: AbortSignal },
): Promise<Enrollment> {
  const { user } = requireScope(input.caller, "write");
  const secret = deps.totp.newSecret();
  const codes = makeRecoveryCodes(deps.secrets);
  input.signal?.throwIfAborted();
  const begun = await deps.mfa.beginEnrollment(user.id, {
    sealedSecret: deps.seal.seal(secret, user.id),
    recoveryHashes: codes.map(({ hash }) => hash),
  });
  if (!begun) throw new DomainError("MFA_ALREADY_ENROLLED");
  const otpauthUrl = deps.totp.url(secret, user.email);
  return { otpauthUrl, qrText: deps.totp.qrText(otpauthUrl), recoveryCodes: codes.map(({ text }) => text) };
}
