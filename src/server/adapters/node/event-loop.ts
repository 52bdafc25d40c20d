// How late the event loop is, measured by the runtime itself.

import { monitorEventLoopDelay } from "node:perf_hooks";

export interface EventLoopDelay {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** A timer of this period is measured; its period is in every value, and taken out again. */
const RESOLUTION_MS = 10;
/** Old lateness must not hide that all is well now. */
const WINDOW_MS = 10_000;

export class EventLoopMonitor {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #windowEndsAtMs = 0;
  #last: EventLoopDelay | undefined;

  constructor() {
    this.#histogram.enable();
  }

  /** Of the last window that is complete; in the first one, of what there is. */
  get delay(): EventLoopDelay {
    return this.#last ?? this.#read();
  }

  /** Once a second. */
  tick(now: number): void {
    if (this.#windowEndsAtMs === 0) this.#windowEndsAtMs = now + WINDOW_MS;
    if (now < this.#windowEndsAtMs) return;
    this.#windowEndsAtMs = now + WINDOW_MS;
    this.#last = this.#read();
    this.#histogram.reset();
  }

  close(): void {
    this.#histogram.disable();
  }

  #read(): EventLoopDelay {
    const histogram = this.#histogram;
    if (histogram.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return {
      p50Ms: lateness(histogram.percentile(50)),
      p99Ms: lateness(histogram.percentile(99)),
      maxMs: lateness(histogram.max),
    };
  }
}

function lateness(delayNs: number): number {
  return Math.max(0, delayNs / 1e6 - RESOLUTION_MS);
}
