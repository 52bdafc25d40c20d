// Verified tokens in this process: the least recently used go first.

import { LRUCache } from "lru-cache";
import type { Clock } from "../../domain/clock.ts";
import type { LiveToken, TokenCache } from "../../domain/access/token.ts";

const TTL_MS = 5 * 60_000;
/** About 700 bytes each. At the bound the least recently used are looked up again. */
const MAX_ENTRIES = 10_000;
/** Longer than any database query is waited for. */
const FORGOTTEN_FOR_MS = 60_000;

export function createTokenCache(deps: { clock: Pick<Clock, "monotonicMs">; maxEntries?: number }): TokenCache {
  const { clock, maxEntries = MAX_ENTRIES } = deps;
  // ttlResolution 0: without it, lru-cache remembers the time for a millisecond of the real clock.
  const time = { perf: { now: () => clock.monotonicMs() }, ttlResolution: 0 };
  const entries = new LRUCache<string, LiveToken>({ max: maxEntries, ttl: TTL_MS, ...time });
  // A token that is revoked, or whose user changes, while its lookup is under way must not be put by that lookup.
  const forgotten = new LRUCache<string, true>({ max: maxEntries, ttl: FORGOTTEN_FOR_MS, ...time });

  return {
    get: (hash) => entries.get(hash),
    put(hash, token) {
      if (!forgotten.has(hash) && !forgotten.has(token.userId)) entries.set(hash, slim(token));
    },
    forget(hash) {
      forgotten.set(hash, true);
      entries.delete(hash);
    },
    forgetAll: () => entries.clear(),
    forgetUser(userId) {
      forgotten.set(userId, true);
      // Accounts change rarely: looking through all entries then costs less than an index does always.
      for (const [hash, token] of [...entries.entries()]) {
        if (token.userId === userId) entries.delete(hash);
      }
    },
  };
}

/** Without a token's name and the like; the driver's arrays have room for more than they hold. */
function slim({ id, userId, scopes, agentId, expiresAt, revokedAt, user }: LiveToken): LiveToken {
  return {
    id,
    userId,
    scopes: [...scopes],
    user,
    ...(agentId !== undefined && { agentId }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}
