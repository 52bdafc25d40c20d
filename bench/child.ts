// Processes that a bench starts: waited for by what they say, and never left behind.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A server that starts on a busy machine, while ten thousand agents dial. */
const SAY_TIMEOUT_MS = 90_000;
const END_TIMEOUT_MS = 10_000;

export interface Child {
  pid: number;
  /** Resolves with the first line, of either output, that matches; rejects when the process ends before, or is silent. */
  line(pattern: RegExp): Promise<string>;
  /** Resolves with all of its output where it ends with 0; rejects else. */
  ended(): Promise<string>;
  /** The signal (SIGTERM by default), and SIGKILL where that does not help. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function startChild(
  file: string,
  commandLine: readonly string[],
  environment: Readonly<Record<string, string>>,
): Child {
  const child: ChildProcess = spawn(file, [...commandLine], {
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  let onLine: (() => void) | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) throw new Error("no pipe");
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      onLine?.();
    });
  }
  let failure: Error | undefined;
  const closed = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      failure = error;
      resolve();
    });
    child.once("close", () => resolve());
  });
  const described = () => `${file} ${commandLine.join(" ")}: ${failure?.message ?? lines.slice(-10).join("\n")}`;
  return {
    pid: child.pid ?? 0,
    async line(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = () => {
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) resolve(found);
      };
      const timer = setTimeout(() => reject(new Error(`silent: ${described()}`)), SAY_TIMEOUT_MS);
      void closed.then(() => reject(new Error(`ended: ${described()}`)));
      onLine = look;
      look();
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        onLine = undefined;
      }
    },
    async ended() {
      await closed;
      if (failure || child.exitCode !== 0) throw new Error(`failed: ${described()}`);
      return lines.join("\n");
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null && !failure) {
        child.kill(signal);
        const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
        await once(child, "exit");
        clearTimeout(timer);
      }
    },
  };
}
