// Whether what came is the stream, byte for byte, and if not, what is wrong with it: each record of the stream says where
// it belongs.

import { RECORD_BYTES, streamBytes } from "../test/support/stream-bytes.js";

export interface CheckFigures {
  /** Right, and in their place. */
  checked: number;
  /** Never came, though later ones did. */
  lost: number;
  /** Came twice. */
  doubled: number;
  /** Came after later ones. */
  reordered: number;
  /** Are no bytes of this stream. */
  foreign: number;
  /** Where the first wrong byte stood, and what was wrong. */
  firstProblem: string | undefined;
}

/** A whole record lies in any so many bytes. */
const ENOUGH_BYTES = 2 * RECORD_BYTES - 1;

export class OutputCheck {
  readonly figures: CheckFigures = {
    checked: 0,
    lost: 0,
    doubled: 0,
    reordered: 0,
    foreign: 0,
    firstProblem: undefined,
  };
  readonly #seed: number;
  #offset = 0;
  /** Came after a wrong byte, too few to say where they belong. */
  #unplaced: Buffer = Buffer.alloc(0);
  #holes: { from: number; to: number }[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Where the next byte belongs. */
  get offset(): number {
    return this.#offset;
  }

  get isRight(): boolean {
    return this.figures.firstProblem === undefined;
  }

  /** The next byte that comes is this one, and nothing was promised before it. */
  startAt(offset: number): void {
    this.#offset = offset;
    this.#unplaced = Buffer.alloc(0);
  }

  take(bytes: Uint8Array): void {
    let rest: Buffer = this.#unplaced.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unplaced, bytes]);
    this.#unplaced = Buffer.alloc(0);
    while (rest.length > 0) {
      const right = this.#rightBytes(rest);
      this.#offset += right;
      this.figures.checked += right;
      rest = rest.subarray(right);
      if (rest.length === 0) return;
      if (rest.length < ENOUGH_BYTES) {
        this.#unplaced = Buffer.from(rest);
        return;
      }
      rest = this.#place(rest);
    }
  }

  #rightBytes(bytes: Buffer): number {
    const due = streamBytes(this.#offset, bytes.length, this.#seed);
    if (due.equals(bytes)) return bytes.length;
    let same = 0;
    while (due[same] === bytes[same]) same += 1;
    return same;
  }

  /** The first byte is wrong here: notes why, and returns what can be checked on. */
  #place(bytes: Buffer): Buffer {
    const found = this.#find(bytes);
    const due = this.#offset;
    if (found === undefined) {
      this.#note(`foreign bytes at ${due}`);
      this.figures.foreign += 1;
      return bytes.subarray(1);
    }
    if (found === due) {
      // It stands where it should, but is another one.
      this.#note(`changed byte at ${due}`);
      this.figures.foreign += 1;
      this.#offset += 1;
      return bytes.subarray(1);
    }
    this.#offset = found;
    if (found > due) {
      this.#note(`lost ${found - due} bytes at ${due}`);
      this.figures.lost += found - due;
      this.#holes.push({ from: due, to: found });
    } else {
      const hole = this.#holes.find(({ from, to }) => found >= from && found < to);
      this.#note(`${hole ? "reordered" : "doubled"} bytes at ${due}: those of ${found}`);
      if (hole === undefined) this.figures.doubled += due - found;
      else this.figures.reordered += hole.to - found;
    }
    return bytes;
  }

  /** Where these bytes belong; undefined where there is no record of this stream in their beginning. */
  #find(bytes: Buffer): number | undefined {
    for (let at = 0; at + RECORD_BYTES <= Math.min(bytes.length, ENOUGH_BYTES); at++) {
      const counter = bytes.readBigUInt64BE(at);
      if (counter > 2n ** 40n) continue;
      const from = Number(counter) * RECORD_BYTES;
      const record = bytes.subarray(at, at + RECORD_BYTES);
      if (streamBytes(from, RECORD_BYTES, this.#seed).equals(record)) return from - at;
    }
    return undefined;
  }

  #note(what: string): void {
    this.figures.firstProblem ??= what;
  }
}
