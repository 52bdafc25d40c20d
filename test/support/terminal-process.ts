// A program in a real PTY and the screen it draws, as a person sees it.

import { type IBufferCell, Terminal } from "@xterm/headless";
import { expect, vi } from "vitest";
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
  /** The rows in which something is underlined, and those in which something has a background of its own. */
  decorated(): { underlined: number[]; coloured: number[] };
  /** Every byte that was sent to the terminal, as UTF-8. */
  output(): string;
  readonly exitCode: Promise<number>;
  kill(): void;
}

export function startInTerminal(command: PtyCommand): TerminalProcess {
  const terminal = new Terminal({ ...command.size, allowProposedApi: true });
  const output: Uint8Array[] = [];
  // xterm.js 6.0.0 loses characters of bytes that come in pieces (xtermjs/xterm.js#6003).
  const decoder = new TextDecoder();
  let resolveExit: (code: number) => void = () => {};
  const exitCode = new Promise<number>((resolve) => {
    resolveExit = resolve;
  });
  const pty = startRealPty(command, {
    onOutput(bytes) {
      const copy = Uint8Array.from(bytes);
      output.push(copy);
      terminal.write(decoder.decode(copy, { stream: true }));
    },
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
          // A window that has become narrower hides what stands behind its edge, and keeps it.
          ?.translateToString(true, 0, terminal.cols)
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
    // Also where a hook waits, and not a test.
    shows: (pattern) =>
      vi.waitFor(() => expect(screen().join("\n")).toMatch(pattern), { timeout: 20_000, interval: 20 }),
    decorated() {
      const { active } = terminal.buffer;
      const rowsWith = (is: (cell: IBufferCell) => boolean) =>
        Array.from({ length: terminal.rows }, (_, row) => row).filter((row) => {
          const line = active.getLine(active.baseY + row);
          return Array.from({ length: terminal.cols }, (_, col) => line?.getCell(col)).some((cell) => cell && is(cell));
        });
      return {
        underlined: rowsWith((cell) => cell.isUnderline() !== 0),
        coloured: rowsWith((cell) => !cell.isBgDefault()),
      };
    },
    output: () => Buffer.concat(output).toString("utf8"),
    exitCode,
    kill: () => pty.signal("SIGKILL"),
  };
}
