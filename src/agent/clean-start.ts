// Starts a program without the agent's open files. Node opens its own so that children don't inherit them, but the
// PTY library leaves each PTY's master open to the next shell: it could read and type there, and would keep it alive.

import { existsSync } from "node:fs";

export interface ProgramCall {
  /** Absolute path. */
  file: string;
  args: readonly string[];
}

/** Closes what is open beyond stdin, stdout and stderr, and becomes the program. A POSIX sh can't close two-digit files. */
const SCRIPT = 'for f in /proc/$$/fd/*; do n=${f##*/}; [ "$n" -gt 2 ] && eval "exec $n>&-"; done; exec "$@"';
const BASH = ["/bin/bash", "/usr/bin/bash"].find((path) => process.platform === "linux" && existsSync(path));

/** The call to make instead. Without bash, or on a system whose PTYs are closed by themselves, it is the call itself. */
export function cleanStart(call: ProgramCall): ProgramCall {
  if (BASH === undefined) return call;
  // -p: reads no start-up file, whatever BASH_ENV says.
  return { file: BASH, args: ["-p", "-c", SCRIPT, "rexec-start", call.file, ...call.args] };
}
