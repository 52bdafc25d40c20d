// A program in a real PTY and the screen it draws, as a person sees it.

import { Terminal } from "@xterm/headless";
import { expect } from "vitest";
import type { PtyCommand } from "../../src/agent/pty/pty.ts";
import { startRealPty } from "../../src/agent/pty/real-pty.ts";
import type { TerminalSize } from "../../src/protocol/terminal-size.ts";

export interface TerminalProcess {
  pid: number;
  type(text: string): void;
  resize(size: TerminalSize): void;
  /** The lines on the screen, without trailing blanks. */
  screen(): string[];
  /** Waits until the screen shows this. */
  shows(pattern: RegExp): Promise<void>;
  readonly exitCode: Promise<number>;
  kill(): void;
}

export function startInTerminal(command: PtyCommand): TerminalProcess {
  const terminal = new Terminal({ ...command.size, allowProposedApi: true });
  let resolveExit: (code: number) => void = () => {};
  const exitCode = new Promise<number>((resolve) => {
    resolveExit = resolve;
  });
  const pty = startRealPty(command, {
    onOutput: (bytes) => terminal.write(Uint8Array.from(bytes)),
    onExit: (code) => resolveExit(code),
  });
  // The terminal answers a program's questions, as a real one does.
  terminal.onData((answer) => void pty.write(Buffer.from(answer)));
  const screen = () => {
    const { active } = terminal.buffer;
    return Array.from(
      { length: terminal.rows },
      (_, row) =>
        active
          .getLine(active.baseY + row)
          ?.translateToString(true)
          .trimEnd() ?? "",
    );
  };
  return {
    pid: pty.pid,
    type: (text) => void pty.write(Buffer.from(text)),
    resize(size) {
      pty.resize(size);
      terminal.resize(size.cols, size.rows);
    },
    screen,
    shows: (pattern) => expect.poll(() => screen().join("\n"), { timeout: 20_000, interval: 20 }).toMatch(pattern),
    exitCode,
    kill: () => pty.signal("SIGKILL"),
  };
}
