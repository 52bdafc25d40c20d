// Runs single commands, without a terminal, within bounds of time, output and number.

import { spawn } from "node:child_process";
import { MAX_CONTROL_BYTES, MAX_EXEC_OUTPUT_BYTES } from "../protocol/limits.ts";
import { cleanStart } from "./clean-start.ts";
import type { ShellCommand } from "./login-shell.ts";

const TIMEOUT_MS = 30_000;
const MAX_RUNNING = 8;
/** The result carries the command again; what an operating system takes as one argument is hardly more. */
const MAX_COMMAND_BYTES = 64 * 1024;
/** The result must fit into one control frame, with the command and a message. */
const MAX_OUTPUT_BYTES = Math.min(MAX_EXEC_OUTPUT_BYTES, MAX_CONTROL_BYTES - MAX_COMMAND_BYTES - 4096);

export interface ExecResult {
  output: string;
  success: boolean;
  error: string;
}

export class ExecRunner {
  readonly #command: ShellCommand;
  #running = 0;

  constructor(command: ShellCommand) {
    this.#command = command;
  }

  /** Runs `shell -c command`. Rejects never; what went wrong is in the result. */
  async run(command: string, signal: AbortSignal): Promise<ExecResult> {
    if (this.#running >= MAX_RUNNING)
      return { output: "", success: false, error: `more than ${MAX_RUNNING} commands at once` };
    if (Buffer.byteLength(command) > MAX_COMMAND_BYTES)
      return { output: "", success: false, error: "the command is too long" };
    this.#running += 1;
    try {
      return await runCommand(this.#command, command, signal);
    } finally {
      this.#running -= 1;
    }
  }
}

function runCommand(shell: ShellCommand, command: string, signal: AbortSignal): Promise<ExecResult> {
  const { promise, resolve } = Promise.withResolvers<ExecResult>();
  // A process group of its own, so that what the command has started ends with it.
  const call = cleanStart({ file: shell.file, args: ["-c", command] });
  const child = spawn(call.file, [...call.args], {
    cwd: shell.cwd,
    env: shell.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let error = "";
  const kill = (why: string) => {
    error ||= why;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // The group has ended just now.
    }
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(() => kill(`timed out after ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
  const onAbort = () => kill("the connection was lost");
  signal.addEventListener("abort", onAbort, { once: true });
  const take = (chunk: Buffer) => {
    const room = MAX_OUTPUT_BYTES - bytes;
    chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    bytes += Math.min(chunk.length, room);
    if (chunk.length > room) kill(`more than ${MAX_OUTPUT_BYTES} bytes of output`);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  child.on("error", (cause) => {
    error ||= cause.message;
  });
  child.on("close", (code, killedBy) => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    if (error === "" && code !== 0)
      error = killedBy === null ? `exit code ${code ?? "unknown"}` : `killed by ${killedBy}`;
    resolve({ output: decodeOutput(Buffer.concat(chunks)), success: error === "", error });
  });
  return promise;
}

/** Bytes that are no UTF-8 become three each: cut again to what fits. */
function decodeOutput(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (Buffer.byteLength(text) <= MAX_OUTPUT_BYTES) return text;
  const cut = Buffer.from(text).subarray(0, MAX_OUTPUT_BYTES);
  // Not within a character.
  return new TextDecoder().decode(cut, { stream: true });
}
