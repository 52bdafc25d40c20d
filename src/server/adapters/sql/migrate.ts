// Brings a database to the newest schema; two servers that start at once do it once.

import type { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import { MIGRATIONS } from "../../../../migrations/index.ts";
import { beginAuditEra } from "./audit-log.ts";
import { translateError } from "./errors.ts";
import type { Schema } from "./schema.ts";

/** All or nothing: every pending migration runs in one transaction, under an advisory lock on Postgres. */
export async function runMigrations(db: Kysely<Schema>): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) };
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return beginAuditEra(db);
  const failed = results.find((result) => result.status === "Error");
  const translated = translateError(error);
  if (translated !== error || failed === undefined) throw translated;
  throw new Error(`migration ${failed.migrationName} failed`, { cause: error });
}
