// Seals messages between instances with AES-256-GCM, under keys that are derived from the secret which all instances share.
//
//   ciphertext | tag, 16 bytes          nonce: 4 bytes 0 | counter, u64
//
// GCM, because with a hash behind it a message costs three times as much here: docs/decisions/0011-routes-between-instances.md

import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { type MessageSeals, SEAL_BYTES } from "../../domain/instances/message-seal.ts";

const ALGORITHM = "aes-256-gcm";
const NOTHING = new Uint8Array(0);
const OPTIONS = { authTagLength: SEAL_BYTES };

/** `secret`: at least 32 bytes. */
export function createMessageSeals(secret: string): MessageSeals {
  const keyOf = (name: string): KeyObject =>
    createSecretKey(new Uint8Array(hkdfSync("sha256", secret, "rexec instances", name, 32)));
  return {
    sealer(name) {
      const key = keyOf(name);
      return {
        seal(counter, parts, before = NOTHING) {
          const cipher = createCipheriv(ALGORITHM, key, nonceOf(counter), OPTIONS);
          const sealed = parts.map((part) => cipher.update(part));
          // In this mode all of it has come out of `update`; this makes the tag.
          cipher.final();
          return Buffer.concat([before, ...sealed, cipher.getAuthTag()]);
        },
      };
    },
    opener(name) {
      const key = keyOf(name);
      return {
        open(counter, sealed) {
          if (sealed.length < SEAL_BYTES) return undefined;
          const decipher = createDecipheriv(ALGORITHM, key, nonceOf(counter), OPTIONS);
          const end = sealed.length - SEAL_BYTES;
          decipher.setAuthTag(sealed.subarray(end));
          const message = decipher.update(sealed.subarray(0, end));
          try {
            // In this mode all of the message has come out of `update`; this checks the tag.
            decipher.final();
            return message;
          } catch {
            // Forged, or another's: there is nothing to tell about it.
            return undefined;
          }
        },
      };
    },
  };
}

function nonceOf(counter: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(counter), 4);
  return nonce;
}
