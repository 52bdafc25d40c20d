// The terminal that the command was started in: raw while attached, and put back on every way out.

import { spawnSync } from "node:child_process";
import { DEFAULT_COLS, DEFAULT_ROWS, MAX_COLS, MAX_ROWS } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import { writeNow } from "./ordered-writer.ts";
import { ScreenModes } from "./screen-modes.ts";

const STDOUT = 1;
const LINE_FEED = 0x0a;

export class LocalTerminal {
  /** Keys come from a terminal, byte by byte; else standard input is a file or a pipe. */
  readonly hasKeys = process.stdin.isTTY;
  readonly hasScreen = process.stdout.isTTY;
  readonly modes = new ScreenModes();
  #isRaw = false;
  /** The cursor stands where the last line began, as far as can be told without reading the screen. */
  #isAtLineStart = true;
  readonly #onExit = (): void => this.restore();
  readonly #onContinue = (): void => {
    if (!this.#isRaw) return;
    // Whoever stopped and continued us may have put the terminal into another mode; Node believes it is raw still.
    process.stdin.setRawMode(false);
    makeRaw();
  };

  get size(): TerminalSize {
    const { columns, rows } = this.hasScreen ? process.stdout : process.stderr;
    return { cols: within(columns, MAX_COLS, DEFAULT_COLS), rows: within(rows, MAX_ROWS, DEFAULT_ROWS) };
  }

  /** Output is on its way to the screen. */
  noteOutput(bytes: Uint8Array): void {
    if (!this.hasScreen || bytes.length === 0) return;
    this.modes.feed(bytes);
    this.#isAtLineStart = bytes[bytes.length - 1] === LINE_FEED;
  }

  /** Returns what ends it. */
  onResize(listener: (size: TerminalSize) => void): () => void {
    const stream = this.hasScreen ? process.stdout : process.stderr;
    const onResize = (): void => listener(this.size);
    stream.on("resize", onResize);
    return () => stream.off("resize", onResize);
  }

  enterRaw(): void {
    if (this.#isRaw) return;
    process.on("exit", this.#onExit);
    if (!this.hasKeys) return;
    makeRaw();
    this.#isRaw = true;
    process.on("SIGCONT", this.#onContinue);
  }

  /** As it was found. Synchronous, and again is harmless: also runs when the process exits in whatever way it can notice. */
  restore(): void {
    process.off("exit", this.#onExit);
    process.off("SIGCONT", this.#onContinue);
    if (this.hasScreen) {
      const text = this.modes.restore();
      // SGR, character set and margins can't be seen in passing: they are put back without asking.
      const newLine = this.#isAtLineStart ? "" : "\r\n";
      if (this.#isRaw || text !== "") writeNow(STDOUT, `${text}\x1b[0m\x1b(B${newLine}`);
    }
    this.modes.forget();
    if (!this.#isRaw) return;
    this.#isRaw = false;
    try {
      process.stdin.setRawMode(false);
    } catch {
      // The terminal is gone: there is nothing left to put back.
    }
  }
}

/**
 * Node's raw mode goes on turning LF into CR LF in what we print (libuv's UV_TTY_MODE_RAW sets ONLCR), which moves the
 * cursor of every program that goes down a line by a bare LF. Leaving raw mode puts this back as well.
 */
function makeRaw(): void {
  process.stdin.setRawMode(true);
  // Without an `stty` the picture is wrong at places, and everything still works.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"], timeout: 2000 });
}

function within(value: number | undefined, max: number, fallback: number): number {
  return value === undefined || value < 1 ? fallback : Math.min(value, max);
}
