// Every database that the SQL stores run on, migrated and empty, for the contract tests.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPglite, openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { freshDatabase } from "./fresh-database.ts";

export interface TestDatabase {
  /** For describe.each: `describe.each(DATABASES)("… on $name", …)`. */
  name: string;
  open(): Promise<SqlStores>;
}

export const DATABASES: readonly TestDatabase[] = [
  {
    name: "Postgres",
    open: async () => migrated(openPostgres({ url: await freshDatabase() })),
  },
  {
    name: "PGlite",
    open: async () => migrated(await openPglite()),
  },
];

async function migrated(stores: SqlStores): Promise<SqlStores> {
  await stores.migrate();
  return stores;
}

/** An empty directory, and what removes it with all that has come into it. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "rexec-data-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
