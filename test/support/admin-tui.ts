// `rexec admin` as an operator has it: the built program in a real PTY, driven by keys, judged by its screen.

import { resolve } from "node:path";
import { expect, vi } from "vitest";
import type { TerminalSize } from "../../src/protocol/terminal-size.ts";
import { startInTerminal, type TerminalProcess } from "./terminal-process.ts";

const REXEC = resolve(import.meta.dirname, "../../bin/rexec.js");

export const SMALL: TerminalSize = { cols: 80, rows: 24 };
/** For describe.each: the sizes that every screen and action is shown to work in. */
export const SIZES = [
  { name: "80x24", size: SMALL },
  { name: "160x50", size: { cols: 160, rows: 50 } },
] as const;

export const ENTER = "\r";
export const ESCAPE = "\x1b";
export const TAB = "\t";
export const DETACH = "\x1d";
export const CTRL_C = "\x03";
export const ERASE_LINE = "\x15";

export interface AdminTui extends TerminalProcess {
  /** All of the screen, as one text. */
  text(): string;
  /** The rows of the list that match: the list's half alone where the details stand beside it. */
  rows(pattern: RegExp): string[];
  /** Waits until the screen no longer shows this. */
  hides(pattern: RegExp): Promise<void>;
  /** Filters the list by this text, and waits until so many rows are left. */
  filter(text: string, rows?: number): Promise<void>;
  /** One step back, as Escape means it; waits until the screen no longer shows what was left. */
  leave(pattern: RegExp): Promise<void>;
}

export interface AdminTuiOptions {
  server: { httpUrl: string; grpcAddress: string };
  token: string;
  /** Its home, and where its files go. */
  directory: string;
  size?: TerminalSize;
  flags?: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

/** The command line of `rexec admin` for this server, and the environment that it runs in. */
export function adminCommand({ server, token, directory, flags = [], environment = {} }: AdminTuiOptions) {
  return {
    file: process.execPath,
    args: [REXEC, "admin", "--server", server.httpUrl, "--grpc", server.grpcAddress, ...flags],
    cwd: directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      TZ: "UTC",
      REXEC_TOKEN: token,
      ...environment,
    },
  };
}

export function startAdminTui(options: AdminTuiOptions): AdminTui {
  return driven(startInTerminal({ ...adminCommand(options), size: options.size ?? SMALL }));
}

/** With the live list of agents on the screen. */
export async function openAdminTui(options: AdminTuiOptions): Promise<AdminTui> {
  const tui = startAdminTui(options);
  await tui.shows(/LIVE/);
  await tui.shows(/\[1 Agents \d+\]/);
  return tui;
}

export function driven(terminal: TerminalProcess): AdminTui {
  const text = () => terminal.screen().join("\n");
  const hides = (pattern: RegExp) =>
    vi.waitFor(() => expect(text()).not.toMatch(pattern), { timeout: 20_000, interval: 20 });
  return {
    ...terminal,
    text,
    hides,
    rows: (pattern) => terminal.screen().filter((line) => pattern.test(line.split("│")[0] ?? "")),
    async filter(pattern, rows = 1) {
      terminal.type("/");
      await terminal.shows(/Enter keep/);
      terminal.type(pattern);
      // How many of how many; all of them are told by their number alone.
      await terminal.shows(new RegExp(`/${escaped(pattern)} .*\\b${rows}(?:/\\d+)?  sort`));
      terminal.type(ENTER);
      await hides(/Enter keep/);
    },
    async leave(pattern) {
      terminal.type(ESCAPE);
      await hides(pattern);
    },
  };
}

/**
 * A line that a shell's command printed. Where it was typed before the shell had asked for it, the prompt stands before
 * what it printed.
 */
export function printedLine(text: string): RegExp {
  return new RegExp(`^(?:[#$] )*${escaped(text)}$`, "m");
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
