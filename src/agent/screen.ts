// What a session's terminal shows: a headless terminal that takes in the output when nothing else is to be done,
// or when it must. A flood of plain text is not read line by line: its end draws the same screen.

// CommonJS whose names Node cannot see: only the default export is there at run time.
import headless, { type Terminal } from "@xterm/headless";
import { MAX_DATA_BYTES, SCROLLBACK_LINES, SCROLLBACK_RING_BYTES } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { OutputRing } from "../protocol/output-ring.ts";
import { countText, plainUntil, tailStart } from "./plain-output.ts";
import { ScreenDrawing } from "./screen-drawing.ts";
import type { DrawnScreen, Snapshots } from "./snapshots.ts";
import { unfinishedCharacter } from "../protocol/unfinished-character.ts";
import { unfinishedSequence } from "./unfinished.ts";
import { coreOf, isInSequence, type XtermCore } from "./xterm-core.ts";

/** Parsed in one go: about 0.4 ms, so that no key waits longer for it. */
const SLICE_BYTES = 8 * 1024;
/** Output that pauses this long leaves time for parsing. */
const QUIET_MS = 50;
/** Unparsed output at which parsing no longer waits for a quiet moment, and below which it does again. */
const BUSY_BYTES = 1024 * 1024;
const CALM_BYTES = 512 * 1024;
/** Unparsed output at which the shell must wait, so that the ring does not overwrite it. */
const FULL_BYTES = SCROLLBACK_RING_BYTES - 512 * 1024;
/** As FULL_BYTES, where the PTY does not wait: parsed on the spot. */
const OVERFULL_BYTES = SCROLLBACK_RING_BYTES - 128 * 1024;
/** A shortcut is looked for when there is at least this much to leave out. */
const SHORTCUT_BYTES = 4 * MAX_DATA_BYTES;
/** Sizes that wait for their place in the output; beyond, the newest replaces the one before. */
const MAX_RESIZES = 32;

export interface ScreenDeps {
  size: TerminalSize;
  ring: OutputRing;
  /** Output may be parsed up to here: a snapshot must not be ahead of what was broadcast. */
  readonly limit: () => number;
  /** `backlog` has changed. */
  readonly onBacklog: () => void;
}

/** What a session tells its screen, and asks of it. */
export interface SessionScreen extends Snapshots {
  /** "full": the shell must wait until more of its output is parsed. */
  readonly backlog: "ok" | "full";
  outputArrived(): void;
  limitMoved(): void;
  resize(size: TerminalSize): void;
  dispose(): void;
}

export class Screen implements SessionScreen {
  backlog: "ok" | "full" = "ok";
  /** Plain text that was not parsed, so far. */
  skippedBytes = 0;
  readonly #deps: ScreenDeps;
  readonly #terminal: Terminal;
  readonly #core: XtermCore;
  readonly #drawing: ScreenDrawing;
  #parsed = 0;
  /** Of these, the last ones are kept until the rest of their character is there: 0 to 3. */
  #held = 0;
  #resizes: { offset: number; size: TerminalSize }[] = [];
  #waiting: { offset: number; onPrepared: () => void }[] = [];
  /** "ground": the parser takes text as text, and the cursor is in column 0. */
  #parser: "ground" | "unknown" = "unknown";
  #lineFeeds = 0;
  #pace: "lazy" | "busy" = "lazy";
  #quietTimer: NodeJS.Timeout | undefined;
  #headAtTimer = 0;
  #turn: NodeJS.Immediate | undefined;

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    // Nobody listens to what it would answer (DA, DSR): the viewer's terminal does that.
    this.#terminal = new headless.Terminal({
      ...deps.size,
      scrollback: SCROLLBACK_LINES,
      allowProposedApi: true,
      logLevel: "off",
    });
    this.#terminal.onLineFeed(() => {
      this.#lineFeeds += 1;
    });
    this.#core = coreOf(this.#terminal);
    this.#drawing = new ScreenDrawing(this.#terminal);
  }

  get parsed(): number {
    return this.#parsed;
  }

  /** The ring has grown. */
  outputArrived(): void {
    const { ring } = this.#deps;
    const unparsed = ring.end - this.#parsed;
    if (unparsed >= BUSY_BYTES) this.#pace = "busy";
    if (unparsed >= FULL_BYTES) this.#updateBacklog();
    while (ring.end - this.#parsed >= OVERFULL_BYTES) this.#parseSlice(ring.end);
    if (this.#pace === "busy") this.#turn ??= setImmediate(() => this.#takeTurn());
    else this.#quietTimer ??= this.#waitForQuiet();
  }

  /** What was held back by the limit may be parsed now. */
  limitMoved(): void {
    if (this.#pace === "busy" || this.backlog === "full") this.#turn ??= setImmediate(() => this.#takeTurn());
  }

  /** The terminal has this size from the end of the ring on. */
  resize(size: TerminalSize): void {
    const offset = this.#deps.ring.end;
    const last = this.#resizes.at(-1);
    if (last !== undefined && (last.offset === offset || this.#resizes.length >= MAX_RESIZES)) last.size = size;
    else this.#resizes.push({ offset, size });
    this.#applyResizes();
  }

  prepare(offset: number, onPrepared: () => void): void {
    if (this.#parsed >= offset) return;
    this.#waiting.push({ offset, onPrepared });
    this.#turn ??= setImmediate(() => this.#takeTurn());
  }

  draw(scrollbackLines: number): DrawnScreen {
    const { cols, rows } = this.#terminal;
    const drawing = this.#drawing.draw(this.#parsed, scrollbackLines);
    const unfinished = this.#unfinished();
    const data = unfinished.length === 0 ? drawing : Buffer.concat([drawing, unfinished]);
    return { offset: this.#parsed, cols, rows, data };
  }

  /** What the next byte goes on with: a viewer's terminal must be in the midst of it, too. */
  #unfinished(): Buffer {
    const { ring } = this.#deps;
    if (isInSequence(this.#core)) return unfinishedSequence(ring, this.#parsed);
    const bytes = Buffer.allocUnsafe(this.#held);
    ring.copy(bytes, 0, this.#parsed - this.#held, this.#parsed);
    return bytes;
  }

  dispose(): void {
    clearImmediate(this.#turn);
    clearTimeout(this.#quietTimer);
    this.#turn = undefined;
    this.#waiting = [];
    this.#terminal.dispose();
  }

  #waitForQuiet(): NodeJS.Timeout {
    this.#headAtTimer = this.#deps.ring.end;
    return setTimeout(() => {
      const isQuiet = this.#deps.ring.end === this.#headAtTimer;
      this.#quietTimer = isQuiet ? undefined : this.#waitForQuiet();
      if (isQuiet) this.#turn ??= setImmediate(() => this.#takeTurn());
    }, QUIET_MS);
  }

  /** One slice per turn of the event loop, for as long as there is a reason to go on. */
  #takeTurn(): void {
    this.#turn = undefined;
    const limit = this.#deps.limit();
    if (this.#parsed < limit) {
      this.#takeShortcut(limit);
      this.#parseSlice(limit);
    }
    if (this.#deps.ring.end - this.#parsed < CALM_BYTES) this.#pace = "lazy";
    this.#updateBacklog();
    const prepared = this.#waiting.filter(({ offset }) => offset <= this.#parsed);
    this.#waiting = this.#waiting.filter(({ offset }) => offset > this.#parsed);
    for (const { onPrepared } of prepared) onPrepared();
    if (this.#parsed >= this.#deps.limit()) return;
    const isQuiet = this.#quietTimer === undefined;
    if (this.#waiting.length > 0 || this.#pace === "busy" || isQuiet)
      this.#turn ??= setImmediate(() => this.#takeTurn());
  }

  #parseSlice(limit: number): void {
    const next = this.#resizes[0]?.offset ?? Number.POSITIVE_INFINITY;
    let to = Math.min(limit, next, this.#parsed + SLICE_BYTES);
    const from = this.#parsed - this.#held;
    // Ends with a line where possible: only there can be told whether the parser takes text as text.
    if (limit - to > SHORTCUT_BYTES) to = tailStart(this.#deps.ring, from, to, 0) ?? to;
    const lineFeedsBefore = this.#lineFeeds;
    const bytes = Buffer.allocUnsafe(to - from);
    this.#deps.ring.copy(bytes, 0, from, to);
    // xterm.js 6.0.0 loses a character that comes in two pieces of which the first ends with 80 (xtermjs/xterm.js#6003).
    this.#held = unfinishedCharacter(bytes);
    this.#core.writeSync(bytes.subarray(0, bytes.length - this.#held));
    const count = countText(bytes);
    // A sequence that was open would have swallowed line feeds, or is closed by a few letters.
    const tookAll = count.lineFeeds > 0 && count.lineFeeds === this.#lineFeeds - lineFeedsBefore && count.letters >= 3;
    const isPlain = count.endsWith === "crlf" && tookAll && plainUntil(this.#deps.ring, from, to) === to;
    this.#parser = isPlain ? "ground" : "unknown";
    this.#parsed = to;
    this.#applyResizes();
  }

  /**
   * Leaves out plain text that would have scrolled out of the scrollback anyway. Right only where nothing of the
   * terminal's state but its text can change: tested by feeding the same text to a terminal that leaves nothing out.
   */
  #takeShortcut(limit: number): void {
    if (this.#parser !== "ground" || limit - this.#parsed < SHORTCUT_BYTES || !this.#isPlainTerminal()) return;
    const end = Math.min(limit, this.#resizes[0]?.offset ?? Number.POSITIVE_INFINITY);
    const plainEnd = plainUntil(this.#deps.ring, this.#parsed, end);
    // Once to get to the bottom of the screen, and then every line that can be seen or scrolled back to.
    const start = tailStart(this.#deps.ring, this.#parsed, plainEnd, 2 * this.#terminal.rows + SCROLLBACK_LINES);
    if (start === undefined || start <= this.#parsed) return;
    this.skippedBytes += start - this.#parsed;
    this.#parsed = start;
  }

  #isPlainTerminal(): boolean {
    const { modes, buffer, rows } = this.#terminal;
    const { scrollTop, scrollBottom } = this.#core.buffers.active;
    if (buffer.active.type !== "normal" || scrollTop !== 0 || scrollBottom !== rows - 1) return false;
    return !modes.insertMode && !modes.originMode && !modes.reverseWraparoundMode;
  }

  #applyResizes(): void {
    while (this.#resizes[0] !== undefined && this.#resizes[0].offset <= this.#parsed) {
      const { cols, rows } = this.#resizes[0].size;
      this.#terminal.resize(cols, rows);
      this.#drawing.forget();
      // The cursor may have been moved out of column 0.
      this.#parser = "unknown";
      this.#resizes.shift();
    }
  }

  #updateBacklog(): void {
    const unparsed = this.#deps.ring.end - this.#parsed;
    const backlog = unparsed >= (this.backlog === "full" ? BUSY_BYTES : FULL_BYTES) ? "full" : "ok";
    if (backlog === this.backlog) return;
    this.backlog = backlog;
    this.#deps.onBacklog();
  }
}
