// Somebody types steadily while something else goes on: how long echoes take, counted from when each key was due. Who
// waits for one echo before typing the next key would meet the worst moment once.

import { quantile } from "../statistics.ts";
import type { TerminalTarget } from "../target.ts";
import { openSession, startProgram } from "./session.ts";

export interface WitnessJob {
  kind: "witness";
  target: TerminalTarget;
}

const KEY_INTERVAL_MS = 10;

export async function watchEchoes(
  job: WitnessJob,
  /** Called once it types; it stops when the promise resolves. */
  untilStopped: () => Promise<void>,
): Promise<Record<string, number>> {
  const session = await openSession(job.target);
  await startProgram(session, "-icanon -echo -icrnl -ixon -opost", "exec cat");
  /** Of keys without an echo. */
  const dueAtMs: number[] = [];
  const samplesMs: number[] = [];
  session.divert((bytes, consumed) => {
    const now = performance.now();
    consumed();
    for (const due of dueAtMs.splice(0, bytes.length)) samplesMs.push(now - due);
  });
  let nextMs = performance.now();
  const timer = setInterval(() => {
    for (; nextMs <= performance.now(); nextMs += KEY_INTERVAL_MS) {
      dueAtMs.push(nextMs);
      session.write("k");
    }
  }, KEY_INTERVAL_MS);
  await untilStopped();
  clearInterval(timer);
  // What has not come back yet took at least as long as it has been waited for.
  const now = performance.now();
  samplesMs.push(...dueAtMs.map((due) => now - due));
  session.write("\u0003");
  await session.end();
  return {
    echoP50Ms: quantile(samplesMs, 0.5),
    echoP99Ms: quantile(samplesMs, 0.99),
    echoMaxMs: Math.max(...samplesMs),
  };
}
