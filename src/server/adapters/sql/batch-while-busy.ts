// Ten thousand agents may come back at once, each with the same questions: what can't be asked at once is asked together.

import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseUnavailable, translateError } from "./errors.ts";

export interface BatchOptions<Item, Result> {
  /** One statement for many; a result for each item, in their order. */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Statements under way, at which what comes waits and is put together; default 2: one answers while one is asked. */
  maxUnderWay?: number;
}

/** A statement of that many takes some milliseconds: nobody waits long behind it. */
const MAX_ITEMS = 500;
/**
 * Where more have come while a statement was under way, the next one waits for still more: in a storm a quick answer makes
 * for many small statements, which cost the database and us more than what they are about.
 */
const GATHER_MS = 15;
/** As many agents as are meant for one instance, twice. At the bound the database counts as away. */
const MAX_WAITING = 20_000;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Returns how to ask for one item: with the others of this turn of the event loop, at its end, where the database is not
 * busy with earlier ones, and never with a statement that has begun before. Rejects with whatever `run` rejects with.
 */
export function batchWhileBusy<Item, Result>(options: BatchOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { maxUnderWay = 2 } = options;
  const waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  /** Work that begins with the end of this turn counts as under way. */
  let isBeginning = false;

  async function work(): Promise<void> {
    isBeginning = false;
    while (waiting.length > 0) {
      await ask(waiting.splice(0, MAX_ITEMS));
      if (waiting.length > 0) await sleep(GATHER_MS);
    }
    underWay -= 1;
  }

  async function ask(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.run(batch.map(({ item }) => item));
      for (const [index, one] of batch.entries()) one.resolve(results[index] as Result);
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
  }

  return async (item) => {
    if (waiting.length >= MAX_WAITING) throw translateError(new DatabaseUnavailable("too many wait for the database"));
    return new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (isBeginning || underWay >= maxUnderWay) return;
      isBeginning = true;
      underWay += 1;
      setImmediate(() => void work());
    });
  };
}
