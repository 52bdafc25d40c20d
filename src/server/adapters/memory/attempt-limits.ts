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

/**
 * After a restart no token has been seen: a thousand agents behind one address are back within two minutes, and somebody
 * who tries tokens among them costs the database ten look-ups by key a second.
 */
const LOOK_UPS = { burst: 10, perMinute: 600 };

export function createAttemptLimits(deps: { clock: Clock; rates: AttemptRates }): AttemptLimits {
  const { clock, rates } = deps;
  const limits = (perMinute: number) => createRateLimits({ clock, burst: perMinute, perMinute });
  return {
    authFailures: limits(rates.authFailuresPerAddress),
    lookUps: createRateLimits({ clock, ...LOOK_UPS }),
    registrations: {
      byAccount: limits(rates.registrationsPerAccount),
      byNetwork: limits(rates.registrationsPerAddress),
    },
    opens: { byAccount: limits(rates.opensPerAccount), byNetwork: limits(rates.opensPerAddress) },
    codes: { byAccount: limits(rates.codesPerAccount), byNetwork: limits(rates.codesPerAddress) },
  };
}
