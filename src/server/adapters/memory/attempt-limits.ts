// The limits of attempts in process.

import { attemptLimitsOf, type AttemptRates } from "../../domain/access/attempt-rates.ts";
import type { AttemptLimits } from "../../domain/access/attempts.ts";
import type { Clock } from "../../domain/clock.ts";
import { createRateLimits } from "./rate-limits.ts";

export function createAttemptLimits({
  clock,
  rates,
}: {
  clock: Pick<Clock, "monotonicMs">;
  rates: AttemptRates;
}): AttemptLimits {
  return attemptLimitsOf(rates, (_name, share) => createRateLimits({ clock, ...share }));
}
