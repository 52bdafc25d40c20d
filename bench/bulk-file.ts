// The file that is printed in bulk: lines of text, each another, with the line ends of a terminal.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { BenchOptions } from "./benches/bench.ts";

const BLOCK_LINES = 10_000;

export async function makeBulkFile(file: string, bytes: number): Promise<BenchOptions["bulk"]> {
  const hash = createHash("sha256");
  const stream = createWriteStream(file);
  let written = 0;
  for (let line = 0; written < bytes; line += BLOCK_LINES) {
    const block = Buffer.from(Array.from({ length: BLOCK_LINES }, (_, i) => textLine(line + i)).join(""));
    const part = block.subarray(0, bytes - written);
    hash.update(part);
    written += part.length;
    if (!stream.write(part)) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "finish");
  return { file, bytes, sha256: hash.digest("hex") };
}

const WORDS =
  "the relay forwards each frame as it came and keeps nothing of it while the agent holds what it may be asked for ";

/** 40 to 119 characters that no other line has. */
function textLine(number: number): string {
  const from = (number * 31) % WORDS.length;
  return `${`${number}: ${WORDS.slice(from)}${WORDS}`.slice(0, 38 + ((number * 7919) % 80))}\r\n`;
}
