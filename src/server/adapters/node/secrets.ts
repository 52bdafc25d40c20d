// Hashes and random bytes from node:crypto.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Secrets } from "../../domain/access/token.ts";

export const nodeSecrets: Secrets = {
  sha256Hex: (text) => createHash("sha256").update(text, "utf8").digest("hex"),
  sha256: () => createHash("sha256"),
  randomHex: (bytes) => randomBytes(bytes).toString("hex"),
  randomUuid: () => randomUUID(),
};
