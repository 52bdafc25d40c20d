// What a session has printed, as lines of its recording that wait to be stored. Pure.

import { castEventLine } from "../../../protocol/asciicast.ts";
import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import { unfinishedCharacter } from "../../../protocol/unfinished-character.ts";

/** Resets a terminal: a snapshot is drawn on one that was just reset. */
const RESET = "\x1bc";
const NO_BYTES = new Uint8Array(0);

export interface TakenLines {
  text: string;
  /** Of the whole recording up to the last line. */
  durationMs: number;
  gaps: number;
  lostBytes: number;
}

export class CastBuffer {
  readonly #elapsedMs: () => number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #lines: string[] = [];
  /** The beginning of a character whose rest has not come. */
  #held: Uint8Array = NO_BYTES;
  #durationMs: number;
  #gaps = 0;
  #lostBytes = 0;

  /** `elapsedMs`: since the recording began; `durationMs`: of what it has already. */
  constructor(elapsedMs: () => number, durationMs: number) {
    this.#elapsedMs = elapsedMs;
    this.#durationMs = durationMs;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Bytes that were put in and are in no line yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  output(bytes: Uint8Array): void {
    const joined = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = joined.length - unfinishedCharacter(joined);
    // Copied: the frame that it came in is others', too.
    this.#held = Uint8Array.from(joined.subarray(end));
    this.#text(this.#decoder.decode(joined.subarray(0, end)));
  }

  resize(size: TerminalSize): void {
    this.#lines.push(castEventLine({ kind: "resize", atMs: this.#now(), size }));
  }

  marker(text: string): void {
    this.#lines.push(castEventLine({ kind: "marker", atMs: this.#now(), text }));
  }

  /** The screen as it is. `lostBytes`: what was printed before and is not in the recording; 0 where it only begins. */
  snapshot(data: Uint8Array, lostBytes: number): void {
    this.begin();
    if (lostBytes > 0) {
      this.#gaps += 1;
      this.#lostBytes += lostBytes;
      this.marker(`gap: ${lostBytes} bytes of output were not recorded`);
    }
    this.#text(RESET + this.#decoder.decode(data));
  }

  /** All lines; it is empty then. */
  take(): TakenLines {
    const taken = {
      text: this.#lines.join(""),
      durationMs: this.#durationMs,
      gaps: this.#gaps,
      lostBytes: this.#lostBytes,
    };
    this.#lines = [];
    this.#gaps = 0;
    this.#lostBytes = 0;
    return taken;
  }

  /** What comes now begins with a whole character. */
  begin(): void {
    this.#held = NO_BYTES;
  }

  /** Forgets what waits. */
  clear(): void {
    this.take();
    this.begin();
  }

  #text(text: string): void {
    if (text !== "") this.#lines.push(castEventLine({ kind: "output", atMs: this.#now(), text }));
  }

  /** Never before what was there: clocks of two instances differ. */
  #now(): number {
    this.#durationMs = Math.max(this.#durationMs, this.#elapsedMs());
    return this.#durationMs;
  }
}
