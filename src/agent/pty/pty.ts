// What a session asks of a pseudoterminal. The real one is real-pty.ts; echo-pty.ts stands in for it in tests and benches.

import type { TerminalSize } from "../../protocol/terminal-size.ts";

export interface PtyCommand {
  /** Absolute path of the program. */
  file: string;
  args: readonly string[];
  cwd: string;
  /** The program's whole environment. */
  env: Readonly<Record<string, string>>;
  size: TerminalSize;
}

export interface PtyEvents {
  /** The program's output. The bytes are the listener's to read during the call only. */
  onOutput(bytes: Uint8Array): void;
  /** The program has ended and all of its output was delivered. Called once; nothing comes after it. */
  onExit(exitCode: number): void;
}

export type PtySignal = "SIGHUP" | "SIGKILL";

export interface Pty {
  readonly pid: number;
  /** Takes as many bytes as fit now and says how many; "closed" where nobody will ever read them. Never waits. */
  write(bytes: Uint8Array): number | "closed";
  resize(size: TerminalSize): void;
  /** Stops reading: the program blocks once the kernel's buffer is full. */
  pause(): void;
  resume(): void;
  /** Reaches the program and everything it started on this terminal. */
  signal(name: PtySignal): void;
  /** Does anything that signal() would reach still run? */
  isAlive(): boolean;
}

/** Starts a program on a terminal. Throws where it can't be started. */
export type PtyFactory = (command: PtyCommand, events: PtyEvents) => Pty;
