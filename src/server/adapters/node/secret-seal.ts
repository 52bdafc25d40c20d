// Seals stored secrets with AES-256-GCM.
//
//   <key id> ":" base64url( nonce, 12 bytes | tag, 16 bytes | ciphertext )
//
// The user's id is the associated data: a row copied to another user does not open.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { SecretSeal } from "../../domain/mfa/mfa.ts";

export interface SealKey {
  /** Without ":". */
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The first key seals, every one opens. At least one. */
export function createSecretSeal(keys: readonly SealKey[]): SecretSeal {
  const [first] = keys;
  if (first === undefined) throw new Error("a seal needs a key");
  if (keys.some(({ key }) => key.length !== 32)) throw new Error("a sealing key has 32 bytes");

  return {
    seal(text, userId) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, first.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(userId));
      const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return `${first.id}:${Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString("base64url")}`;
    },
    open(sealed, userId) {
      const colon = sealed.indexOf(":");
      const id = sealed.slice(0, colon);
      const key = keys.find((one) => one.id === id);
      if (key === undefined) throw new Error(`a secret is sealed under the key "${id}", which is not configured`);
      const bytes = Buffer.from(sealed.slice(colon + 1), "base64url");
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key.key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(userId));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      return { text, stale: key !== first };
    },
  };
}

/** A key of its own for this one purpose, where only the JWT secret is configured. */
export function keyFromJwtSecret(jwtSecret: string): SealKey {
  const key = new Uint8Array(hkdfSync("sha256", jwtSecret, new Uint8Array(), "rexec mfa secrets", 32));
  return { id: "jwt", key };
}
