// Asks Redis, and where that does not answer in time, this process decides: a dead Redis locks nobody out, and lets nobody
// have more than each instance alone would.

import type { Clock } from "../../domain/clock.ts";

/** A caller is held up no longer. Redis takes a millisecond; one that takes so long is as good as away. */
const PATIENCE_MS = 300;
/** After it did not answer, nobody waits for it for so long; then one call tries. */
const REST_MS = 5000;

export type RedisOrOwn = <T>(ask: () => Promise<T>, own: () => Promise<T>) => Promise<T>;

/** One for all that ask the same Redis: what one has found out holds for all. */
export function createRedisOrOwn({ clock }: { clock: Pick<Clock, "monotonicMs"> }): RedisOrOwn {
  let failedAt: number | undefined;

  return async (ask, own) => {
    const sinceMs = failedAt === undefined ? REST_MS : clock.monotonicMs() - failedAt;
    if (sinceMs < REST_MS) return own();
    // While this one tries again, the others don't wait as well.
    if (failedAt !== undefined) failedAt = clock.monotonicMs();
    try {
      const answer = await inTime(ask());
      failedAt = undefined;
      return answer;
    } catch {
      // Who looks after the connection tells of it; here it changes only who decides.
      failedAt = clock.monotonicMs();
      return own();
    }
  };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
