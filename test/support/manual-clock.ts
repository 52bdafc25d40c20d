// Time that stands still until a test moves it.
import type { Clock } from "../../src/server/domain/clock.ts";

export interface ManualClock extends Clock {
  advance(ms: number): void;
  /** Somebody sets the time of day, by so much. */
  set(byMs: number): void;
}

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  // As on a machine that has just started.
  let monotonicMs = 1_000;
  return {
    now: () => nowMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      nowMs += ms;
      monotonicMs += ms;
    },
    set(byMs) {
      nowMs += byMs;
    },
  };
}
