// The built program as processes of the drill: in sessions of their own, heard line by line, written to a file each.

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ProcessClock } from "../test/support/process-clock.ts";
import type { Guard } from "./guard.ts";

const BIN = fileURLToPath(new URL("../bin/rexec.js", import.meta.url));
/** What a process said last, for the verdict where it ended by itself. */
const LAST_WORDS = 20;

export interface DrillProcess {
  pid: number;
  readonly isRunning: boolean;
  readonly lastWords: string;
  /** "exit 0", "SIGKILL" */
  readonly ended: Promise<string>;
  /** Resolves with true when a line has matched, with false where it ended before. */
  says(pattern: RegExp): Promise<boolean>;
  signal(name: NodeJS.Signals): void;
  /** Sends it and waits for the end. A stopped process is woken, for it hears nothing but SIGKILL. */
  end(name: NodeJS.Signals): Promise<string>;
}

export interface ProcessOptions {
  guard: Guard;
  clock: ProcessClock;
  commandLine: readonly string[];
  environment: Readonly<Record<string, string>>;
  logFile?: string | undefined;
  onLine?: (line: string) => void;
}

export function startRexec({ guard, clock, commandLine, environment, logFile, onLine }: ProcessOptions): DrillProcess {
  const child: ChildProcess = spawn(process.execPath, [...clock.nodeOptions, BIN, ...commandLine], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    // A Ctrl-C meant for the drill must not end what it looks at.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const pid = child.pid ?? 0;
  guard.add(pid);
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: "a" });
  const lastWords: string[] = [];
  const waiting = new Map<(said: boolean) => void, RegExp>();
  const settle = (isSaid: (pattern: RegExp) => boolean, said: boolean): void => {
    for (const [resolve, pattern] of waiting) {
      if (!isSaid(pattern)) continue;
      waiting.delete(resolve);
      resolve(said);
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error("no pipe");
    createInterface({ input: stream }).on("line", (line) => {
      log?.write(`${line}\n`);
      lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      onLine?.(line);
      settle((pattern) => pattern.test(line), true);
    });
  }
  let isRunning = true;
  const ended = (once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => {
    isRunning = false;
    guard.drop(pid);
    settle(() => true, false);
    log?.end();
    return signal ?? `exit ${code}`;
  });
  return {
    pid,
    ended,
    get isRunning() {
      return isRunning;
    },
    get lastWords() {
      return lastWords.join("\n");
    },
    says(pattern) {
      if (!isRunning) return Promise.resolve(false);
      return new Promise((resolve) => waiting.set(resolve, pattern));
    },
    signal: (name) => void child.kill(name),
    async end(name) {
      if (isRunning) {
        child.kill(name);
        child.kill("SIGCONT");
      }
      return ended;
    },
  };
}
