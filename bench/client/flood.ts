// Reads as fast as it can a terminal whose program never stops printing.

import { setTimeout as sleep } from "node:timers/promises";
import type { TerminalTarget } from "../target.ts";
import { openSession, startProgram } from "./session.ts";

export interface FloodJob {
  kind: "flood";
  target: TerminalTarget;
}

/** What has come before it counts as flooding. */
const RUNNING_BYTES = 2_000_000;

/** One line of the flood, 78 characters as in a build's log. */
export const FLOOD_LINE = "the quick brown fox jumps over the lazy dog while the build goes on and on ...";

export async function runFlood(
  job: FloodJob,
  /** Called once it floods; the flood ends when the promise resolves. */
  untilStopped: () => Promise<void>,
): Promise<Record<string, number>> {
  const session = await openSession(job.target);
  await startProgram(session, "-echo", `exec yes '${FLOOD_LINE}'`);
  const running = Promise.withResolvers<void>();
  let bytesRead = 0;
  session.divert((bytes, consumed) => {
    bytesRead += bytes.length;
    consumed();
    if (bytesRead >= RUNNING_BYTES) running.resolve();
  });
  await Promise.race([
    running.promise,
    sleep(30_000, undefined, { ref: false }).then(() => Promise.reject(new Error("no flood"))),
  ]);
  const startedAtMs = performance.now();
  const bytesBefore = bytesRead;
  await untilStopped();
  const mbPerS = (bytesRead - bytesBefore) / 1000 / (performance.now() - startedAtMs);
  session.write("\u0003");
  await session.end();
  return { mbPerS };
}
