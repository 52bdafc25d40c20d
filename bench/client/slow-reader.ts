// Reads 1 MB/s of a terminal whose program prints as fast as it may, then types Ctrl-C and reads on, as slowly, until
// the prompt is there.

import { setTimeout as sleep } from "node:timers/promises";
import type { TerminalTarget } from "../target.ts";
import { FLOOD_LINE } from "./flood.ts";
import { openSession, PROMPT } from "./session.ts";

export interface SlowReaderJob {
  kind: "slow-reader";
  target: TerminalTarget;
  seconds: number;
}

const BYTES_PER_MS = 1000;
const TICK_MS = 5;
/** A reader that was kept waiting does not make up for it. */
const MAX_CREDIT_BYTES = 20 * BYTES_PER_MS;
const PROMPT_TIMEOUT_MS = 60_000;

export async function measureSlowReader(
  job: SlowReaderJob,
  mark: (at: "begin" | "end") => Promise<void>,
): Promise<Record<string, number>> {
  const session = await openSession(job.target);
  const prompt = Promise.withResolvers<number>();
  const queue: { bytes: Buffer; left: number; consumed: () => void }[] = [];
  let isTyped = false;
  let tail = "";
  let bytesRead = 0;
  let creditBytes = 0;
  let lastMs = performance.now();

  const read = () => {
    const nowMs = performance.now();
    creditBytes = Math.min(creditBytes + (nowMs - lastMs) * BYTES_PER_MS, MAX_CREDIT_BYTES);
    lastMs = nowMs;
    for (let piece = queue[0]; piece && creditBytes >= 1; piece = queue[0]) {
      const count = Math.min(piece.left, Math.floor(creditBytes));
      creditBytes -= count;
      piece.left -= count;
      bytesRead += count;
      if (piece.left > 0) return;
      queue.shift();
      tail += piece.bytes.toString("latin1");
      if (isTyped && tail.includes(PROMPT)) prompt.resolve(performance.now());
      tail = tail.slice(-PROMPT.length);
      piece.consumed();
    }
  };
  const timer = setInterval(read, TICK_MS);
  session.divert((bytes, consumed) => {
    queue.push({ bytes, left: bytes.length, consumed });
  });
  await mark("begin");
  session.write(`yes '${FLOOD_LINE}'\n`);
  const startedAtMs = performance.now();
  await sleep(job.seconds * 1000);
  const mbPerS = bytesRead / 1000 / (performance.now() - startedAtMs);
  await mark("end");
  tail = "";
  isTyped = true;
  const typedAtMs = performance.now();
  session.write("\u0003");
  const timeout = setTimeout(() => prompt.reject(new Error("no prompt after Ctrl-C")), PROMPT_TIMEOUT_MS);
  const promptSeconds = ((await prompt.promise) - typedAtMs) / 1000;
  clearTimeout(timeout);
  session.write("exit\n");
  await session.end();
  clearInterval(timer);
  return { promptSeconds, mbPerS };
}
