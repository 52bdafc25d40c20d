// Collects when tokens were last used, and writes it in batches: one statement per interval, not one per call.

import type { TokenId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { TokenStore } from "./token.ts";

export interface TokenUsage {
  note(id: TokenId): void;
  /** Tokens whose use is not written yet. */
  readonly pending: number;
  /** Writes what is collected; never rejects. */
  flush(): Promise<void>;
  /** Writes what is collected and takes no more. */
  close(): Promise<void>;
}

const FLUSH_INTERVAL_MS = 30_000;
/** Tokens of one statement: thousands at once hold up the event loop, and whoever's rows they are, for a tenth of a second. */
const MAX_WRITTEN_AT_ONCE = 1_000;
/** At the bound new tokens go unnoted until the next flush: a late "last used" hurts nobody. */
const MAX_COLLECTED = 10_000;

export function createTokenUsage(deps: {
  tokens: Pick<TokenStore, "markUsed">;
  clock: Clock;
  /** The marks of a batch that failed are lost. */
  onError: (error: unknown) => void;
  intervalMs?: number;
}): TokenUsage {
  const { tokens, clock, onError, intervalMs = FLUSH_INTERVAL_MS } = deps;
  let collected = new Map<TokenId, number>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    // One write at a time: a slow database must not be asked twice at once.
    writing = writing.then(write);
    return writing;
  }

  async function write(): Promise<void> {
    if (collected.size === 0) return;
    const batch = collected;
    collected = new Map();
    try {
      const used = [...batch].map(([id, at]) => ({ id, at: new Date(at) }));
      while (used.length > 0) await tokens.markUsed(used.splice(0, MAX_WRITTEN_AT_ONCE));
    } catch (error) {
      onError(error);
    }
  }

  return {
    get pending() {
      return collected.size;
    },
    note(id) {
      if (closed || (collected.size >= MAX_COLLECTED && !collected.has(id))) return;
      collected.set(id, clock.now());
      if (timer !== undefined) return;
      timer = setTimeout(() => void flush(), intervalMs);
      timer.unref();
    },
    flush,
    close() {
      closed = true;
      return flush();
    },
  };
}
