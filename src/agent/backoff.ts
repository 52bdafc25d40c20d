// How long to wait before the next connection attempt: exponential with full jitter, so that a herd spreads out.

const FIRST_MS = 250;
const MAX_MS = 30_000;
/** The server restarts and has asked to come back: soon, but not all at the same instant. */
const RESTART_MS = 300;

export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** `random`: from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(this.#attempts, 16));
    this.#attempts += 1;
    return Math.round(this.#random() * ceiling);
  }

  /** Milliseconds to wait after the server has said that it restarts. */
  afterRestart(): number {
    return Math.round(this.#random() * RESTART_MS);
  }

  /** A connection has proved stable. */
  reset(): void {
    this.#attempts = 0;
  }
}
