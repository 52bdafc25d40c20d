// A fresh, empty database on the run's shared Postgres (see global-setup.ts).
import { inject } from "vitest";
import { createDatabase } from "./postgres.ts";

/** Returns the URL of a new database; it goes when the run ends. Integration tests only. */
export function freshDatabase(): Promise<string> {
  return createDatabase(inject("postgresUrl"), inject("postgresDatabasePrefix"));
}
