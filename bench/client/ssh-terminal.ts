// The way of ssh: the program itself, behind pipes.

import { spawn } from "node:child_process";
import type { TerminalTarget } from "../target.ts";
import { type BenchTerminal, type OnOutput, READ_AHEAD_BYTES } from "./terminal.ts";

export function openSsh(target: TerminalTarget & { kind: "ssh" }, onOutput: OnOutput): BenchTerminal {
  const child = spawn("ssh", ["-F", target.configFile, "-tt", "-e", "none", target.host], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  let aheadBytes = 0;
  child.stdout.on("data", (bytes: Buffer) => {
    aheadBytes += bytes.length;
    if (aheadBytes >= READ_AHEAD_BYTES) child.stdout.pause();
    onOutput(bytes, () => {
      aheadBytes -= bytes.length;
      if (child.stdout.isPaused() && aheadBytes < READ_AHEAD_BYTES) child.stdout.resume();
    });
  });
  // The shell may end before it has read all that was typed.
  child.stdin.on("error", () => {});
  return {
    write: (text) => void child.stdin.write(text),
    closed: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => resolve());
    }),
    drop: () => void child.kill(),
  };
}
