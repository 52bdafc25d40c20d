// Token buckets, one per key. The least recently used go first: their buckets have had the longest to fill.

import { LRUCache } from "lru-cache";
import type { Share } from "../../domain/access/attempt-rates.ts";
import type { RateLimits, RecordLimits } from "../../domain/access/rate-limits.ts";
import type { Clock } from "../../domain/clock.ts";

interface Bucket {
  left: number;
  filledAtMs: number;
}

/** Keys may be chosen by strangers (their addresses): at the bound an old key starts with a full bucket again. */
const MAX_KEYS = 10_000;

interface BucketsDeps extends Share {
  clock: Pick<Clock, "monotonicMs">;
  maxKeys?: number;
}

export function createRateLimits(deps: BucketsDeps): RateLimits {
  const buckets = createBuckets(deps);
  return { tryTake: async (key) => buckets.tryTake(key), waitMs: async (key) => buckets.waitMs(key) };
}

export function createRecordLimits(deps: BucketsDeps): RecordLimits {
  return createBuckets(deps);
}

function createBuckets(deps: BucketsDeps): RecordLimits & { waitMs(key: string): number } {
  const { clock, burst, perMinute, maxKeys = MAX_KEYS } = deps;
  const buckets = new LRUCache<string, Bucket>({ max: maxKeys });

  function leftAt(now: number, key: string): number {
    const bucket = buckets.get(key) ?? { left: burst, filledAtMs: now };
    const gained = ((now - bucket.filledAtMs) / 60_000) * perMinute;
    return Math.min(burst, bucket.left + gained);
  }

  return {
    tryTake(key) {
      const now = clock.monotonicMs();
      const left = leftAt(now, key);
      buckets.set(key, { left: left < 1 ? left : left - 1, filledAtMs: now });
      return left >= 1;
    },
    waitMs(key) {
      const missing = 1 - leftAt(clock.monotonicMs(), key);
      return missing <= 0 ? 0 : Math.ceil((missing / perMinute) * 60_000);
    },
  };
}
