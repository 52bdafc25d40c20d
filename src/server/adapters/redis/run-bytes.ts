// The id of a run as it stands in messages: 16 bytes.

import type { RunId } from "../../../protocol/ids.ts";

/** `run`: a UUID. */
export function runToBytes(run: RunId): Buffer {
  return Buffer.from(run.replaceAll("-", ""), "hex");
}

export function runFromBytes(bytes: Buffer): RunId {
  const hex = bytes.toString("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)];
  return parts.join("-") as RunId;
}
