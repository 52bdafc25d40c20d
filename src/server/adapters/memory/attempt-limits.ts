// The limits of attempts in process: a share a minute each, all of which may be used at once.

import type { AttemptLimits } from "../../domain/access/attempts.ts";
import type { Clock } from "../../domain/clock.ts";
import { createRateLimits } from "./rate-limits.ts";

/** Each a minute. */
export interface AttemptRates {
  authFailuresPerAddress: number;
  registrationsPerAccount: number;
  registrationsPerAddress: number;
  opensPerAccount: number;
  opensPerAddress: number;
  codesPerAccount: number;
  codesPerAddress: number;
}

export function createAttemptLimits(deps: { clock: Clock; rates: AttemptRates }): AttemptLimits {
  const { clock, rates } = deps;
  const limits = (perMinute: number) => createRateLimits({ clock, burst: perMinute, perMinute });
  return {
    authFailures: limits(rates.authFailuresPerAddress),
    registrations: {
      byAccount: limits(rates.registrationsPerAccount),
      byNetwork: limits(rates.registrationsPerAddress),
    },
    opens: { byAccount: limits(rates.opensPerAccount), byNetwork: limits(rates.opensPerAddress) },
    codes: { byAccount: limits(rates.codesPerAccount), byNetwork: limits(rates.codesPerAddress) },
  };
}
