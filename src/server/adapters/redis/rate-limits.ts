// Limits of attempts that all instances share: in Redis, and in this process while that is away.

import { LRUCache } from "lru-cache";
import { attemptLimitsOf, type AttemptRates, type Share } from "../../domain/access/attempt-rates.ts";
import type { AttemptLimits } from "../../domain/access/attempts.ts";
import type { RateLimits } from "../../domain/access/rate-limits.ts";
import type { Clock } from "../../domain/clock.ts";
import type { RedisCommands } from "./redis-clients.ts";
import { createRedisOrOwn } from "./redis-or-own.ts";
import { createTokenBuckets, type Taken, type TokenBuckets } from "./token-bucket.ts";

/** As many as are kept in process, and for the same reason: strangers choose their addresses. */
const MAX_KEYS = 10_000;

export function createRedisAttemptLimits(deps: {
  redis: RedisCommands;
  /** This process's, for how long Redis has been away and how long ago it answered. Buckets fill by Redis's clock. */
  clock: Pick<Clock, "monotonicMs">;
  rates: AttemptRates;
  /** Decides while Redis is away. */
  inProcess: (share: Share) => RateLimits;
}): AttemptLimits {
  const redisOrOwn = createRedisOrOwn(deps);
  return attemptLimitsOf(deps.rates, (name, share) => {
    const shared = createTokenBuckets({ redis: deps.redis, name, share });
    const own = bucketsOf(deps.inProcess(share));
    const buckets: TokenBuckets = {
      take: (key, tokens) =>
        redisOrOwn(
          () => shared.take(key, tokens),
          () => own.take(key, tokens),
        ),
    };
    return name === "auth-failures" ? rememberWaits({ clock: deps.clock, buckets }) : rateLimitsOf(buckets);
  });
}

export function rateLimitsOf(buckets: TokenBuckets): RateLimits {
  return {
    tryTake: async (key) => (await buckets.take(key, 1)).taken,
    waitMs: async (key) => (await buckets.take(key, 0)).waitMs,
  };
}

function bucketsOf(limits: RateLimits): TokenBuckets {
  return {
    async take(key, tokens) {
      const taken = tokens === 0 || (await limits.tryTake(key));
      return { taken, waitMs: await limits.waitMs(key) };
    },
  };
}

/**
 * For failed authentication. Whether a network has had too many is asked for with every call, so it must not cost a way to
 * Redis, nor hang on it: it is answered from what Redis said when a failure from there was last counted on this instance.
 * Somebody who has used up the share on one instance and goes to another has one more failure there (and what is sent at
 * once with it), and is then known there too. Who never fails never waits for Redis.
 */
function rememberWaits({ clock, buckets }: { clock: Pick<Clock, "monotonicMs">; buckets: TokenBuckets }): RateLimits {
  const told = new LRUCache<string, Taken & { atMs: number }>({ max: MAX_KEYS });
  return {
    async tryTake(key) {
      const answer = await buckets.take(key, 1);
      told.set(key, { ...answer, atMs: clock.monotonicMs() });
      return answer.taken;
    },
    async waitMs(key) {
      const answer = told.get(key);
      if (answer === undefined) return 0;
      return Math.max(0, answer.waitMs - (clock.monotonicMs() - answer.atMs));
    },
  };
}
