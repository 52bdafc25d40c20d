// How many attempts are allowed: what an operator sets, and which limits are made of it.

import type { AttemptLimits } from "./attempts.ts";
import type { RateLimits } from "./rate-limits.ts";

/** Each a minute. */
export interface AttemptRates {
  authFailuresPerAddress: number;
  registrationsPerAccount: number;
  registrationsPerAddress: number;
  opensPerAccount: number;
  opensPerAddress: number;
  codesPerAccount: number;
  codesPerAddress: number;
  /** Of all addresses together. */
  enrollments: number;
  enrollmentsPerAddress: number;
}

/** What a key has. */
export interface Share {
  /** How many at once. */
  burst: number;
  perMinute: number;
}

/**
 * After a restart no token has been seen: a thousand agents behind one address are back within two minutes, and somebody
 * who tries tokens among them costs the database ten look-ups by key a second.
 */
const LOOK_UPS: Share = { burst: 10, perMinute: 600 };

/** Of each a share a minute, all of which may be used at once. Each limit has a name of its own. */
export function attemptLimitsOf(rates: AttemptRates, make: (name: string, share: Share) => RateLimits): AttemptLimits {
  const limits = (name: string, perMinute: number) => make(name, { burst: perMinute, perMinute });
  return {
    authFailures: limits("auth-failures", rates.authFailuresPerAddress),
    lookUps: make("look-ups", LOOK_UPS),
    registrations: {
      byAccount: limits("registrations-by-account", rates.registrationsPerAccount),
      byNetwork: limits("registrations-by-network", rates.registrationsPerAddress),
    },
    opens: {
      byAccount: limits("opens-by-account", rates.opensPerAccount),
      byNetwork: limits("opens-by-network", rates.opensPerAddress),
    },
    codes: {
      byAccount: limits("codes-by-account", rates.codesPerAccount),
      byNetwork: limits("codes-by-network", rates.codesPerAddress),
    },
    enrollments: {
      byAccount: limits("enrollments", rates.enrollments),
      byNetwork: limits("enrollments-by-network", rates.enrollmentsPerAddress),
    },
  };
}
