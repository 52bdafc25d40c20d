// When an instance looks at the others: every two seconds and when somebody asks, never twice at once. A database that
// is slow delays the next look.

import type { Log } from "../log.ts";

export interface RoundsDeps {
  monotonicMs: () => number;
  log: Log;
  look: () => Promise<void>;
}

const EVERY_MS = 2_000;
/** The timer that drives this comes a little early or late. */
const TIMER_SLACK_MS = 500;
const ON_DEMAND_EVERY_MS = 1_000;

export class Rounds {
  readonly #deps: RoundsDeps;
  #last: { startedAtMs: number; done: Promise<void>; isRunning: boolean } | undefined;
  #next: Promise<void> | undefined;
  #hasFailed = false;
  #hasEnded = false;

  constructor(deps: RoundsDeps) {
    this.#deps = deps;
  }

  /** Once a second. */
  tick(): void {
    if (this.#hasEnded || this.#last?.isRunning || this.#sinceStartMs() < EVERY_MS - TIMER_SLACK_MS) return;
    this.#start().catch(() => {}); // Has been logged.
  }

  /** At most once a second: a look that is under way, or was just now, may do. Rejects where that look failed. */
  refresh(): Promise<void> {
    if (this.#last !== undefined && (this.#hasEnded || this.#last.isRunning)) return this.#last.done;
    return this.#last !== undefined && this.#sinceStartMs() < ON_DEMAND_EVERY_MS ? this.#last.done : this.#start();
  }

  /** A look that begins from now on, the same for all who ask until it does: at most one a second. Rejects where it failed. */
  next(): Promise<void> {
    this.#next ??= this.#startNext();
    return this.#next;
  }

  /** No further ones; resolves when the one under way is over. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await this.#last?.done.catch(() => {}); // Has been logged.
  }

  async #startNext(): Promise<void> {
    const waitMs = ON_DEMAND_EVERY_MS - this.#sinceStartMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    while (this.#last?.isRunning) await this.#last.done.catch(() => {}); // Has been logged.
    this.#next = undefined;
    if (!this.#hasEnded) await this.#start();
  }

  #sinceStartMs(): number {
    return this.#last === undefined ? Number.POSITIVE_INFINITY : this.#deps.monotonicMs() - this.#last.startedAtMs;
  }

  #start(): Promise<void> {
    const last = { startedAtMs: this.#deps.monotonicMs(), done: Promise.resolve(), isRunning: true };
    this.#last = last;
    last.done = this.#lookAndLog().finally(() => (last.isRunning = false));
    return last.done;
  }

  async #lookAndLog(): Promise<void> {
    const { look, log } = this.#deps;
    try {
      await look();
    } catch (err) {
      if (!this.#hasFailed) log.warn({ err }, "instances not observed");
      this.#hasFailed = true;
      throw err;
    }
    if (this.#hasFailed) log.info({}, "instances observed again");
    this.#hasFailed = false;
  }
}
