// When a session's output goes out at once and when it is gathered: an echo or a screen waits for nothing, a flood is
// sent in large pieces, which costs a relay a third. Pure: the clock is injected.

import { MAX_DATA_BYTES } from "../protocol/limits.ts";

/** Output at this rate and above is a flood: no echo and no redrawing of a screen comes near. */
const FLOOD_BYTES_PER_MS = 2 * 1024;
/** What goes out at once before output above that rate is gathered: most commands print less in one go. */
const BURST_BYTES = 16 * 1024;
/** Soon after a flood its rest is forgotten. */
const MAX_LEVEL_BYTES = 2 * BURST_BYTES;

/** Gathered output is sent when there is this much, */
export const GATHER_BYTES = MAX_DATA_BYTES;
/** or after this time, which a viewer of a flood can't notice. */
export const GATHER_MS = 4;

export class OutputPace {
  readonly #now: () => number;
  /** A leaky bucket. */
  #levelBytes = 0;
  #atMs = 0;
  /** The shell waits for its viewers: that it says nothing meanwhile does not speak against a flood. */
  #isHeld = false;

  /** `now`: milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  sent(bytes: number): void {
    this.#leak();
    this.#levelBytes = Math.min(this.#levelBytes + bytes, MAX_LEVEL_BYTES);
  }

  hold(isHeld: boolean): void {
    this.#leak();
    this.#isHeld = isHeld;
  }

  isFlooding(): boolean {
    if (this.#levelBytes < BURST_BYTES) return false;
    this.#leak();
    return this.#levelBytes >= BURST_BYTES;
  }

  #leak(): void {
    const nowMs = this.#now();
    if (!this.#isHeld) {
      this.#levelBytes = Math.max(0, this.#levelBytes - (nowMs - this.#atMs) * FLOOD_BYTES_PER_MS);
    }
    this.#atMs = nowMs;
  }
}
