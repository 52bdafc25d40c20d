// `rexec admin` in a terminal, watched as somebody watches it.

import { spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";

import { steadyPort } from "../../test/support/steady-port.ts";
import { inspectable, liveHeapBytes } from "../live-heap.ts";

const SIZE = { cols: 160, rows: 50 };
const TIMEOUT_MS = 60_000;
/** Its inspector says there that somebody has come, and would scroll the screen. */
const WITHOUT_STDERR = 'exec "$@" 2>/dev/null';
/** Ink brackets what it draws with synchronized updates. */
const FRAME = "\x1b[?2026h";

export interface Tui {
  pid: number;
  /** From the program's start. */
  firstFrameMs: number;
  /** Milliseconds from the program's start until it shows that many, or more. */
  hasRows(count: number): Promise<number>;
  sortByCpu(): Promise<void>;
  /** Milliseconds from the key until the cursor stands on another agent. */
  moveCursor(key: string): Promise<number>;
  /** Of its heap what is alive. */
  liveHeapBytes(): Promise<number>;
  /** Drawn so far. */
  frames(): number;
  stop(): Promise<void>;
}

/** Resolves with the first frame. */
export async function startTui(operator: {
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
}): Promise<Tui> {
  const terminal = new xterm.Terminal({ ...SIZE, allowProposedApi: true });
  const looks = new Set<() => void>();
  let frames = 0;
  const env = { PATH: "/usr/bin:/bin", TERM: "xterm-256color", LANG: "C.UTF-8", ...operator.environment };
  const inspectorPort = await steadyPort();
  const startedAtMs = performance.now();
  const command = [process.execPath, ...inspectable(inspectorPort), ...operator.command, "admin"];
  const pty = spawn("/bin/sh", ["-c", WITHOUT_STDERR, "sh", ...command], {
    cwd: "/",
    env,
    ...SIZE,
  });
  pty.onData((text) => {
    frames += text.split(FRAME).length - 1;
    terminal.write(text, () => {
      for (const look of looks) look();
    });
  });
  const exited = new Promise<void>((resolve) => pty.onExit(() => resolve()));
  const line = (row: number): string => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "";

  function until(isThere: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(() => reject(new Error(`the TUI does not show ${what}`))), TIMEOUT_MS);
      const look = (): void => {
        if (isThere()) done(resolve);
      };
      function done(settle: () => void): void {
        clearTimeout(timer);
        looks.delete(look);
        settle();
      }
      looks.add(look);
      look();
    });
  }
  /** At the list's edge it is the list that moves, and not the cursor: it goes by the name. */
  const underCursor = (): string | undefined => {
    const lines = Array.from({ length: SIZE.rows }, (_, row) => line(row));
    return lines.map((text) => /^>[* ]\S+ +(\S+)/.exec(text)?.[1]).find((name) => name !== undefined);
  };

  await until(() => line(0).includes("rexec"), "anything");
  const firstFrameMs = performance.now() - startedAtMs;
  return {
    pid: pty.pid,
    firstFrameMs,
    async hasRows(count) {
      const shown = (): number => Number(/Agents (\d+)/.exec(line(1))?.[1] ?? 0);
      await until(() => shown() >= count && line(0).includes("LIVE"), `${count} agents`);
      return performance.now() - startedAtMs;
    },
    async sortByCpu() {
      while (!/CPU[▲▼]/.test(line(3))) {
        const before = line(3);
        pty.write("o");
        await until(() => line(3) !== before, "another order");
      }
    },
    async moveCursor(key) {
      const before = underCursor();
      const pressedAtMs = performance.now();
      pty.write(key);
      await until(() => ![undefined, before].includes(underCursor()), "the cursor move");
      return performance.now() - pressedAtMs;
    },
    liveHeapBytes: () => liveHeapBytes(pty.pid, inspectorPort),
    frames: () => frames,
    async stop() {
      pty.kill();
      await exited;
    },
  };
}
