// The one way from the stores to the database: no failure gets past it untranslated.

import type { Kysely, Transaction } from "kysely";
import { DatabaseUnavailable, translateError } from "./errors.ts";
import type { Schema } from "./schema.ts";

export interface Database {
  /** For single statements; each may use another connection. */
  run<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** READ COMMITTED: every statement sees what was committed before it. Rolls back where `work` throws. */
  transaction<T>(work: (trx: Transaction<Schema>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function wrapDatabase(db: Kysely<Schema>, shutDown: () => Promise<void>): Database {
  let closing: Promise<void> | undefined;

  async function translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (closing !== undefined) throw new DatabaseUnavailable("the database has been closed");
      return await work();
    } catch (error) {
      throw translateError(error);
    }
  }

  return {
    run: (work) => translated(() => work(db)),
    transaction: (work) => translated(() => db.transaction().execute(work)),
    close: () => (closing ??= shutDown()),
  };
}
