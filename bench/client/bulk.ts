// Prints a file in the terminal and takes every byte of it.

import { createHash } from "node:crypto";
import type { TerminalTarget } from "../target.ts";
import { openSession, startProgram } from "./session.ts";

export interface BulkJob {
  kind: "bulk";
  target: TerminalTarget;
  file: string;
  bytes: number;
  sha256: string;
}

export async function measureBulk(
  job: BulkJob,
  /** Called when the first byte is asked for and when the last has come, while everything still runs. */
  mark: (at: "begin" | "end") => Promise<void>,
): Promise<Record<string, number>> {
  const session = await openSession(job.target);
  await startProgram(session, "-icanon -echo -icrnl -opost", `read go; cat ${job.file}; read go; exit`);
  // Touched before the clock runs; hashed after it has stopped: neither is the terminal's doing.
  const received = Buffer.alloc(job.bytes, 1);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let at = 0;
  let pieces = 0;
  session.divert((bytes, consumed) => {
    if (at + bytes.length > job.bytes) return reject(new Error(`more than ${job.bytes} bytes`));
    received.set(bytes, at);
    at += bytes.length;
    pieces += 1;
    consumed();
    if (at === job.bytes) resolve();
  });
  await mark("begin");
  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  session.write("\n");
  await promise;
  const seconds = (performance.now() - startedAtMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  await mark("end");
  session.write("\n");
  await session.end();
  const isRight = createHash("sha256").update(received).digest("hex") === job.sha256;
  return {
    mbPerS: job.bytes / 1e6 / seconds,
    pieceKib: job.bytes / 1024 / pieces,
    isRight: isRight ? 1 : 0,
    clientCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}
