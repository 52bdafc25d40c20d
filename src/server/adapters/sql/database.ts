// The one way from the stores to the database: no failure gets past it untranslated.

import type { Kysely, Transaction } from "kysely";
import { DatabaseUnavailable, translateError } from "./errors.ts";
import type { Schema } from "./schema.ts";

export interface Database {
  /** For single statements; each may use another connection. */
  run<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** READ COMMITTED: every statement sees what was committed before it. Rolls back where `work` throws. */
  transaction<T>(work: (trx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** Refuses what comes from now on, lets what is under way end, and closes. */
  close(): Promise<void>;
}

export function wrapDatabase(db: Kysely<Schema>, shutDown: () => Promise<void>): Database {
  // Bounded by the callers that the pool lets wait; each ends by its own time-outs.
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  async function translated<T>(work: () => Promise<T>): Promise<T> {
    let started: Promise<T> | undefined;
    try {
      if (closing !== undefined) throw new DatabaseUnavailable("the database has been closed");
      started = work();
      running.add(started);
      return await started;
    } catch (error) {
      throw translateError(error);
    } finally {
      if (started !== undefined) running.delete(started);
    }
  }

  /** What is under way ends first: kysely waits for ever for a transaction that PGlite no longer begins. */
  async function drainAndShutDown(): Promise<void> {
    await Promise.allSettled(running);
    await shutDown();
  }

  return {
    run: (work) => translated(() => work(db)),
    transaction: (work) => translated(() => db.transaction().execute(work)),
    close: () => (closing ??= drainAndShutDown()),
  };
}
