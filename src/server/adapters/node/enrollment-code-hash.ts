// The keyed hash that enrolment codes are stored under: whoever has read the table alone could try all codes against a
// plain one within minutes.

import { createHmac, hkdfSync } from "node:crypto";
import type { HashEnrollmentCode } from "../../domain/agents/enrollment-codes.ts";

/** A key of its own for this one purpose. */
export function createEnrollmentCodeHash(jwtSecret: string): HashEnrollmentCode {
  const key = new Uint8Array(hkdfSync("sha256", jwtSecret, new Uint8Array(), "rexec enrollment codes", 32));
  return (code) => createHmac("sha256", key).update(code, "utf8").digest("hex");
}
