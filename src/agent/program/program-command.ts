// What a viewer wants run, checked, as the call that the operating system gets.

import { statSync } from "node:fs";
import type { Program } from "../../gen/rexec/stream/v1/control.ts";
import type { ShellCommand } from "../login-shell.ts";

/** What an operating system takes as one argument is hardly more. */
const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_ENV = 256;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Describe a terminal, and a program has none. */
const TERMINAL_VARIABLES = ["TERM", "COLORTERM"];

export interface ProgramCommand {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** undefined: none. */
  timeLimitMs: number | undefined;
}

/** undefined: it can't be meant, or is more than we take. Throws, for people, where it can't be run on this machine. */
export function programCommand(program: Program, shell: ShellCommand): ProgramCommand | undefined {
  const { argv, throughShell, timeLimitMs } = program;
  const env = Object.entries(program.env);
  const texts = [...argv, program.cwd, ...env.flat()];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const [first = "", ...rest] = argv;
  if (first === "" || (throughShell && rest.length > 0) || texts.some((text) => text.includes("\0"))) return undefined;
  if (bytes > MAX_COMMAND_BYTES || env.length > MAX_ENV || !env.every(([name]) => ENV_NAME.test(name)))
    return undefined;
  if (program.cwd !== "" && !program.cwd.startsWith("/")) return undefined;
  const cwd = program.cwd === "" ? shell.cwd : program.cwd;
  if (!statSync(cwd).isDirectory()) throw new Error(`not a directory: ${cwd}`);
  const own = Object.entries(shell.env).filter(([name]) => !TERMINAL_VARIABLES.includes(name));
  return {
    ...(throughShell ? { file: shell.file, args: ["-c", first] } : { file: first, args: rest }),
    cwd,
    env: { ...Object.fromEntries(own), ...program.env },
    timeLimitMs: timeLimitMs === 0 ? undefined : timeLimitMs,
  };
}
