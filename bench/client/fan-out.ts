// Many viewers of one shell, that floods: how much comes to all of them together.

import { setTimeout as sleep } from "node:timers/promises";
import type { TerminalTarget } from "../target.ts";
import { FLOOD_LINE } from "./flood.ts";
import { openSession, startProgram } from "./session.ts";
import { type BenchTerminal, type OnOutput, openTarget } from "./terminal.ts";

export interface FanOutJob {
  kind: "fan-out";
  target: TerminalTarget;
  viewers: number;
  /** Whether the first viewer makes the shell flood: of several clients one does. */
  floods: boolean;
  seconds: number;
}

const ALL_SEE_TIMEOUT_MS = 30_000;

export async function measureFanOut(
  job: FanOutJob,
  /** Called when every viewer sees the flood, and when the time is over. */
  mark: (at: "begin" | "end") => Promise<void>,
): Promise<Record<string, number>> {
  const { target, viewers, floods, seconds } = job;
  let bytesRead = 0;
  let pieces = 0;
  let waitedFor = viewers;
  const all = Promise.withResolvers<void>();
  const countOutput = (): OnOutput => {
    let isFirst = true;
    return (bytes, consumed) => {
      bytesRead += bytes.length;
      pieces += 1;
      consumed();
      if (isFirst && --waitedFor === 0) all.resolve();
      isFirst = false;
    };
  };
  const flooder = floods ? await openSession(target, "shared") : undefined;
  if (flooder) {
    await startProgram(flooder, "-echo", `exec yes '${FLOOD_LINE}'`);
    flooder.divert(countOutput());
  }
  const terminals: BenchTerminal[] = [];
  while (terminals.length < viewers - (flooder ? 1 : 0)) terminals.push(openTarget(target, "shared", countOutput()));
  const left = terminals.map(({ closed }) => closed);
  const timeout = setTimeout(() => all.reject(new Error(`${waitedFor} viewers see nothing`)), ALL_SEE_TIMEOUT_MS);
  await Promise.race([all.promise, Promise.all(left)]);
  clearTimeout(timeout);
  await mark("begin");
  const [startedAtMs, bytesBefore, piecesBefore] = [performance.now(), bytesRead, pieces];
  await sleep(seconds * 1000);
  const bytes = bytesRead - bytesBefore;
  const result = {
    bytes,
    pieces: pieces - piecesBefore,
    mbPerS: bytes / 1000 / (performance.now() - startedAtMs),
  };
  await mark("end");
  for (const terminal of terminals) terminal.drop();
  await Promise.all(left);
  flooder?.write("\u0003");
  await flooder?.end();
  return result;
}
