// Wakes those who wait for something new. A wake-up between two waits is not lost.

export interface WakeUps {
  wake(): void;
  /** One waiter's view: each `next` resolves for what was woken since the one before. */
  waiter(): Waiter;
}

export interface Waiter {
  /** Resolves at the next wake-up, or after `timeoutMs`. Rejects with the signal's reason. */
  next(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUps(): WakeUps {
  let generation = 0;
  const waiting = new Set<() => void>();
  return {
    wake() {
      generation += 1;
      for (const resolve of waiting) resolve();
    },
    waiter() {
      let seen = generation;
      return {
        async next(timeoutMs, signal) {
          signal.throwIfAborted();
          if (seen === generation) await wait(waiting, timeoutMs, signal);
          seen = generation;
        },
      };
    },
  };
}

/** Resolves after that time. Rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await wait(new Set(), ms, signal);
}

async function wait(waiting: Set<() => void>, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  const onAbort = (): void => reject(signal.reason as Error);
  waiting.add(resolve);
  signal.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    waiting.delete(resolve);
    signal.removeEventListener("abort", onAbort);
  }
}
