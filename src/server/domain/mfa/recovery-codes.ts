// Recovery codes: what is handed out once, and what of it is stored.

import type { Secrets } from "../access/token.ts";

const RECOVERY_CODE_COUNT = 10;
/** 80 bits: nobody guesses one, so an unsalted hash gives nothing away. */
const RECOVERY_CODE_BYTES = 10;
const RECOVERY_CODE = /^[0-9a-f]{20}$/;

export interface RecoveryCode {
  /** "0123-4567-89ab-cdef-0123": shown once, never stored, never logged. */
  text: string;
  hash: string;
}

export function makeRecoveryCodes(secrets: Pick<Secrets, "randomHex" | "sha256Hex">): RecoveryCode[] {
  return Array.from({ length: RECOVERY_CODE_COUNT }, () => {
    const digits = secrets.randomHex(RECOVERY_CODE_BYTES);
    return { text: digits.replace(/(?!^)(?=(?:.{4})+$)/g, "-"), hash: secrets.sha256Hex(digits) };
  });
}

/** The hash of what may be a recovery code, typed in any case, with or without dashes and spaces. */
export function recoveryHash(secrets: Pick<Secrets, "sha256Hex">, typed: string): string | undefined {
  const digits = typed.replace(/[\s-]/g, "").toLowerCase();
  return RECOVERY_CODE.test(digits) ? secrets.sha256Hex(digits) : undefined;
}
