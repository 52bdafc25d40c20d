// A terminal as a bench's client has it, over whichever way.

import type { TerminalTarget } from "../target.ts";
import { openFloor } from "./floor-terminal.ts";
import { openRexec } from "./rexec-terminal.ts";
import { openSsh } from "./ssh-terminal.ts";

export interface BenchTerminal {
  write(text: string): void;
  /** Resolves when the shell has ended and the connection with it. */
  readonly closed: Promise<void>;
  /** Leaves, whatever runs there. */
  drop(): void;
}

/** Called for every piece of output; the way paces itself by `consumed`. */
export type OnOutput = (bytes: Buffer, consumed: () => void) => void;

/** Received and not consumed, at which floor and ssh stop reading: what a pipe holds. */
export const READ_AHEAD_BYTES = 64 * 1024;

/** A shell of one's own, or the one that many look at. */
export type Shell = "own" | "shared";

export function openTarget(target: TerminalTarget, shell: Shell, onOutput: OnOutput): BenchTerminal {
  switch (target.kind) {
    case "rexec":
      return openRexec(target, shell, onOutput);
    case "floor":
      return openFloor(target, shell, onOutput);
    case "ssh":
      if (shell === "shared") throw new Error("ssh has no shared shells");
      return openSsh(target, onOutput);
  }
}
