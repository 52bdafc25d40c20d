// Which program a shell is, where it starts and what its environment holds.

import { accessSync, constants, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import type { PtyCommand } from "./pty/pty.ts";

export type ShellCommand = Omit<PtyCommand, "size">;

/** Variables that describe the terminal the agent itself was started from. */
const OUTER_TERMINAL = [
  "TMUX",
  "TMUX_PANE",
  "STY",
  "WINDOW",
  "WINDOWID",
  "TERMCAP",
  "COLUMNS",
  "LINES",
  "TERM_PROGRAM",
  "TERM_PROGRAM_VERSION",
];

/** The user's login shell; `configured` goes before $SHELL and the user database. */
export function loginShell(environment: Readonly<NodeJS.ProcessEnv>, configured?: string): ShellCommand {
  const file = configured ?? environment["SHELL"] ?? userInfo().shell ?? "/bin/sh";
  const home = environment["HOME"] ?? homedir();
  return { file, args: ["-l"], cwd: isDirectory(home) ? home : "/", env: shellEnvironment(environment, file) };
}

/** The agent's environment without everything of ours: the token must reach no child. */
function shellEnvironment(environment: Readonly<NodeJS.ProcessEnv>, shell: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || name.toUpperCase().startsWith("REXEC_") || OUTER_TERMINAL.includes(name)) continue;
    env[name] = value;
  }
  env["TERM"] = "xterm-256color";
  env["COLORTERM"] = "truecolor";
  env["SHELL"] = shell;
  return env;
}

/** Why the program can't be started; a PTY would show it only as exit code 1. */
export function startProblem(file: string): string | undefined {
  if (!file.startsWith("/")) return `the shell must be an absolute path: ${file}`;
  try {
    if (!statSync(file).isFile()) return `not a file: ${file}`;
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // No such home: the caller starts the shell at /.
  }
}
