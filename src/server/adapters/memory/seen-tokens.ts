// Which tokens were valid in this process: hashes only, the least recently presented go first.

import { LRUCache } from "lru-cache";
import type { SeenTokens } from "../../domain/access/token.ts";

/**
 * About 200 bytes each, five for every agent that one instance is made for. At the bound the token that was presented
 * least lately is a stranger's again. They have no time of their own: a socket presents its token once, and may be open
 * for weeks.
 */
const MAX_HASHES = 50_000;

export function createSeenTokens({ maxHashes = MAX_HASHES }: { maxHashes?: number } = {}): SeenTokens {
  const hashes = new LRUCache<string, true>({ max: maxHashes });
  return {
    has: (hash) => hashes.has(hash),
    add: (hash) => void hashes.set(hash, true),
    forget: (hash) => void hashes.delete(hash),
  };
}
