// The built program as real processes: started, waited for, killed with real signals, and never left behind.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/rexec.js", import.meta.url));

export interface RexecProcess {
  child: ChildProcess;
  pid: number;
  /** What it has written to standard error so far. */
  readonly stderr: string;
  /** Resolves with the first line of standard output or error that matches; rejects when the process ends before. */
  line(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends the signal and waits for the end; SIGCONT goes first, for a stopped process hears nothing. */
  kill(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs `rexec …arguments` with this environment and nothing else of ours. `nodeOptions`: of the Node that runs it. */
export function startRexec(
  commandLine: readonly string[],
  environment: Record<string, string>,
  nodeOptions: readonly string[] = [],
): RexecProcess {
  const child = spawn(process.execPath, [...nodeOptions, BIN, ...commandLine], {
    env: { PATH: process.env["PATH"] ?? "", HOME: environment["HOME"] ?? "/tmp", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }>();
  let stderr = "";
  const onLine = (line: string) => {
    lines.push(line);
    for (const waiter of waiting) {
      if (!waiter.pattern.test(line)) continue;
      waiting.delete(waiter);
      waiter.resolve(line);
    }
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
  child.stderr.on("data", (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-20_000);
  });
  // "close" comes when its output has been read, too.
  const ended = (once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => ({
    code,
    signal,
  }));
  void ended.then(({ code, signal }) => {
    for (const { reject } of waiting) reject(new Error(`rexec ended (${code ?? signal}): ${stderr}`));
  });
  return {
    child,
    pid: child.pid ?? 0,
    ended,
    get stderr() {
      return stderr;
    },
    line(pattern) {
      const known = lines.find((line) => pattern.test(line));
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => waiting.add({ pattern, resolve, reject }));
    },
    async kill(signal = "SIGKILL") {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        child.kill("SIGCONT");
      }
      return ended;
    },
  };
}
