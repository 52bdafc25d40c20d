// Types one byte, waits for its echo, and again: how long each took.

import { quantile } from "../statistics.ts";
import type { TerminalTarget } from "../target.ts";
import { openSession, startProgram } from "./session.ts";

export interface EchoJob {
  kind: "echo";
  target: TerminalTarget;
  seconds: number;
}

/** Echoes before the measurement: compilers and caches warm up. */
const WARM_UP_ECHOES = 500;

export async function measureEcho(job: EchoJob): Promise<Record<string, number>> {
  const session = await openSession(job.target);
  // ^C still ends it.
  await startProgram(session, "-icanon -echo -icrnl -ixon -opost", "exec cat");
  const samplesUs: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let typed = "";
  let typedAtNs = 0n;
  let count = 0;
  let endAtNs = 0n;
  const type = () => {
    typed = String.fromCharCode(97 + (count % 26));
    typedAtNs = process.hrtime.bigint();
    session.write(typed);
  };
  session.divert((bytes, consumed) => {
    const now = process.hrtime.bigint();
    consumed();
    if (bytes.toString("latin1") !== typed) return reject(new Error(`typed ${typed}, saw ${bytes.toString("hex")}`));
    count += 1;
    if (count > WARM_UP_ECHOES) samplesUs.push(Number(now - typedAtNs) / 1000);
    else endAtNs = now + BigInt(Math.round(job.seconds * 1e9));
    if (count > WARM_UP_ECHOES && now >= endAtNs) resolve();
    // After the client has done what it does after an echo: as with keys, nothing is typed in the same moment.
    else setImmediate(type);
  });
  type();
  await promise;
  session.divert((_bytes, consumed) => consumed());
  session.write("\u0003");
  await session.end();
  return { p50Us: quantile(samplesUs, 0.5), p99Us: quantile(samplesUs, 0.99), samples: samplesUs.length };
}
