// When nothing came, for how long.

export interface Silence {
  fromMs: number;
  toMs: number;
}

/** Shorter ones are of no interest, but for the longest. */
const NOTED_MS = 2_000;

export class SilenceLog {
  readonly noted: Silence[] = [];
  #lastMs: number | undefined;
  #longest: Silence | undefined;

  /** What was silent before was meant to be. */
  begin(): void {
    this.#lastMs = performance.now();
    this.#longest = undefined;
    this.noted.length = 0;
  }

  heard(): void {
    const now = performance.now();
    this.#note(now);
    this.#lastMs = now;
  }

  /** Nothing more will come. */
  end(): void {
    this.#note(performance.now());
    this.#lastMs = undefined;
  }

  get silentMs(): number {
    return this.#lastMs === undefined ? 0 : performance.now() - this.#lastMs;
  }

  get hasHeard(): boolean {
    return this.#lastMs !== undefined;
  }

  get longest(): Silence | undefined {
    return this.#longest;
  }

  #note(now: number): void {
    if (this.#lastMs === undefined) return;
    const silence = { fromMs: this.#lastMs, toMs: now };
    const length = now - this.#lastMs;
    if (length >= NOTED_MS) this.noted.push(silence);
    if (this.#longest === undefined || length > this.#longest.toMs - this.#longest.fromMs) this.#longest = silence;
  }
}
