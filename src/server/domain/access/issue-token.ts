// Makes the text of an API token, and what of it may be stored.

import { type Secrets, TOKEN_PREFIX_LENGTH } from "./token.ts";

export interface IssuedToken {
  /** Shown once, never stored, never logged. */
  secret: string;
  hash: string;
  prefix: string;
}

export function issueToken(secrets: Pick<Secrets, "randomHex" | "sha256Hex">): IssuedToken {
  const secret = `rexec_${secrets.randomHex(32)}`;
  return { secret, hash: secrets.sha256Hex(secret), prefix: secret.slice(0, TOKEN_PREFIX_LENGTH) };
}
