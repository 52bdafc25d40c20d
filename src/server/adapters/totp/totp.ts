// One-time codes with otpauth, as every authenticator app makes them: SHA-1, six digits, 30 s; and their QR code with uqr.

import { Secret, TOTP } from "otpauth";
import { renderUnicodeCompact } from "uqr";
import type { Totp } from "../../domain/mfa/mfa.ts";

const ISSUER = "Rexec";
/** As long as the hash; RFC 4226 asks for it. */
const SECRET_BYTES = 20;
/** Phones' clocks are off, and people type slowly. */
const STEPS_EITHER_SIDE = 1;

export function createTotp(): Totp {
  const withSecret = (secret: string, label = ""): TOTP =>
    new TOTP({ issuer: ISSUER, label, secret: Secret.fromBase32(secret), algorithm: "SHA1", digits: 6, period: 30 });

  return {
    newSecret: () => new Secret({ size: SECRET_BYTES }).base32,
    stepOf(secret, code, atMs) {
      const totp = withSecret(secret);
      const delta = totp.validate({ token: code, timestamp: atMs, window: STEPS_EITHER_SIDE });
      return delta === null ? undefined : totp.counter({ timestamp: atMs }) + delta;
    },
    url: (secret, account) => withSecret(secret, account).toString(),
    qrText: (text) => renderUnicodeCompact(text, { border: 2 }),
  };
}
