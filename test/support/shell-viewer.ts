// A viewer on a real shell through src/client, that keeps everything it was shown.

import { expect, vi } from "vitest";
import { systemClock } from "../../src/client/socket.ts";
import { openTerminal } from "../../src/client/terminal-connection.ts";
import type { TerminalEvent } from "../../src/client/terminal-events.ts";
import type { OpenTerminalOptions, TerminalConnection } from "../../src/client/terminal-options.ts";
import { MAIN_SESSION } from "../../src/protocol/ids.ts";
import { nodeSockets } from "./node-sockets.ts";

export interface ShellViewer {
  terminal: TerminalConnection;
  events: TerminalEvent[];
  /** Everything since the last reset, the snapshot included. */
  text(): string;
  type(text: string): void;
  shows(pattern: RegExp): Promise<void>;
  opened(): Promise<Extract<TerminalEvent, { type: "opened" }>>;
}

/**
 * A line, or lines, that a shell's command printed. Where the command was typed before the shell had asked for it, the
 * terminal echoed it at once, and the prompt stands before what it printed.
 */
export function printed(lines: string): RegExp {
  return new RegExp(`^(?:[#$] )*${lines.replaceAll("\n", "\\r\\n(?:[#$] )*")}\\r$`, "m");
}

export function openShellViewer(
  input: Pick<OpenTerminalOptions, "agentId"> & { wsUrl: string; token: string } & Partial<OpenTerminalOptions>,
): ShellViewer {
  const { wsUrl, token, ...options } = input;
  const events: TerminalEvent[] = [];
  let shown: Uint8Array[] = [];
  const terminal = openTerminal({
    sockets: nodeSockets(token),
    clock: systemClock,
    random: () => Math.random(),
    urls: [wsUrl],
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 100,
    consumer: {
      output(bytes, consumed) {
        shown.push(Uint8Array.from(bytes));
        consumed();
      },
      event(event) {
        events.push(event);
        if (event.type === "reset") shown = [];
      },
    },
    ...options,
  });
  const text = () => Buffer.concat(shown).toString("utf8");
  const isOpened = (event: TerminalEvent) => event.type === "opened";
  return {
    terminal,
    events,
    text,
    type: (typed) => void terminal.write(new TextEncoder().encode(typed)),
    shows: (pattern) => vi.waitFor(() => expect(text()).toMatch(pattern), { timeout: 20_000, interval: 10 }),
    async opened() {
      await vi.waitFor(() => expect(events.some(isOpened)).toBe(true), { timeout: 20_000, interval: 10 });
      return events.find(isOpened) as Extract<TerminalEvent, { type: "opened" }>;
    },
  };
}
