// What a session's terminal shows: a headless terminal that takes in the output when nothing else is to be done.

import { SerializeAddon } from "@xterm/addon-serialize";
import { Terminal } from "@xterm/headless";
import { SCROLLBACK_LINES, SCROLLBACK_RING_BYTES } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { OutputRing } from "./output-ring.ts";
import type { DrawnScreen, Snapshots } from "./snapshots.ts";

/** Parsed in one go: about 0.4 ms, so that no key waits longer for it. */
const SLICE_BYTES = 8 * 1024;
/** Output not parsed yet at which the shell must wait: the ring would overwrite it. */
const FULL_BACKLOG_BYTES = SCROLLBACK_RING_BYTES - 512 * 1024;

export interface ScreenDeps {
  size: TerminalSize;
  ring: OutputRing;
  /** Output may be parsed up to here: a snapshot must not be ahead of what was broadcast. */
  readonly limit: () => number;
  /** `backlog` has changed. */
  readonly onBacklog: () => void;
}

/** xterm.js parses asynchronously with a timer of a millisecond for each call; its core can do it at once. */
interface SyncCore {
  writeSync(bytes: Uint8Array): void;
}

export class Screen implements Snapshots {
  backlog: "ok" | "full" = "ok";
  readonly #deps: ScreenDeps;
  readonly #terminal: Terminal;
  readonly #serialize = new SerializeAddon();
  #parsed = 0;
  #turn: NodeJS.Immediate | undefined;
  #waiting: { offset: number; onPrepared: () => void }[] = [];

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    this.#terminal = new Terminal({ ...deps.size, scrollback: SCROLLBACK_LINES, allowProposedApi: true });
    this.#terminal.loadAddon(this.#serialize);
  }

  get parsed(): number {
    return this.#parsed;
  }

  outputArrived(): void {
    this.#turn ??= setImmediate(() => this.#parseSome());
  }

  resize(size: TerminalSize): void {
    this.#terminal.resize(size.cols, size.rows);
  }

  prepare(offset: number, onPrepared: () => void): void {
    if (this.#parsed >= offset) return;
    this.#waiting.push({ offset, onPrepared });
    this.#turn ??= setImmediate(() => this.#parseSome());
  }

  draw(scrollbackLines: number): DrawnScreen {
    const data = Buffer.from(`\x1bc${this.#serialize.serialize({ scrollback: scrollbackLines })}`);
    return { offset: this.#parsed, cols: this.#terminal.cols, rows: this.#terminal.rows, data };
  }

  dispose(): void {
    clearImmediate(this.#turn);
    this.#waiting = [];
    this.#terminal.dispose();
  }

  #parseSome(): void {
    this.#turn = undefined;
    const { ring, limit } = this.#deps;
    const to = Math.min(limit(), this.#parsed + SLICE_BYTES);
    const core = (this.#terminal as unknown as { _core: SyncCore })._core;
    for (const slice of ring.slices(this.#parsed, to)) core.writeSync(slice);
    this.#parsed = to;
    this.#setBacklog(ring.end - to >= FULL_BACKLOG_BYTES ? "full" : "ok");
    const prepared = this.#waiting.filter(({ offset }) => offset <= to);
    this.#waiting = this.#waiting.filter(({ offset }) => offset > to);
    for (const { onPrepared } of prepared) onPrepared();
    if (to < limit()) this.#turn ??= setImmediate(() => this.#parseSome());
  }

  #setBacklog(backlog: "ok" | "full"): void {
    if (backlog === this.backlog) return;
    this.backlog = backlog;
    this.#deps.onBacklog();
  }
}
