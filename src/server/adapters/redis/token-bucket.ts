// Token buckets in Redis, one a key: what is there of a share, and since when. Taken from by a script, in one step, by
// Redis's own clock, which is the same for all instances.
//
// Not rate-limiter-flexible, which counts in windows: a burst at the end of one and the beginning of the next is twice the
// share, and the time to wait is the window's, not that until there is one more.

import { createHash } from "node:crypto";
import type { Share } from "../../domain/access/attempt-rates.ts";
import type { Clock } from "../../domain/clock.ts";
import type { RedisCommands } from "./redis-clients.ts";
import { defineScript } from "./redis-script.ts";

export interface Taken {
  /** Whether there was one, and it was taken if it was to be. */
  taken: boolean;
  /** Until there is another; 0: now. */
  waitMs: number;
}

export interface TokenBuckets {
  /** `tokens` 0: only looks. */
  take(key: string, tokens: 0 | 1): Promise<Taken>;
}

/** Longer than a bucket takes to fill: then it is as good as none. */
const KEPT_MS = 60_000;

const TAKE = `
local burst, perMinute, tokens, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local gained = math.max(0, now - (tonumber(bucket[2]) or now)) / 60000 * perMinute
local left = math.min(burst, (tonumber(bucket[1]) or burst) + gained)
local taken = left >= 1
if tokens > 0 then
  if taken then left = left - tokens end
  redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], math.ceil((burst - left) / perMinute * 60000) + ${KEPT_MS})
end
return { taken and 1 or 0, left >= 1 and 0 or math.ceil((1 - left) / perMinute * 60000) }
`;

export function createTokenBuckets(deps: {
  redis: RedisCommands;
  /** Limits of one name share their buckets, on every instance. */
  name: string;
  share: Share;
  /** Default: Redis's. Of instances' clocks one may be an hour off, and would empty the others' buckets or fill them. */
  clock?: Clock | undefined;
}): TokenBuckets {
  const { name, share, clock } = deps;
  const script = defineScript(deps.redis, { name: "rexecTakeToken", lua: TAKE });
  return {
    async take(key, tokens) {
      // Addresses and account ids are nobody's business who can list keys.
      const bucket = `rexec:rate:${name}:${createHash("sha256").update(key).digest("base64url")}`;
      const reply = await script([bucket], [share.burst, share.perMinute, tokens, clock?.now() ?? ""]);
      const [taken, waitMs] = reply as [number, number];
      return { taken: taken === 1, waitMs };
    },
  };
}
