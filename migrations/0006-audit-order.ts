// The order in which the audit log's records became visible, so that a watcher misses none of them.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // A database that is restored elsewhere counts its transactions anew, below those of its records: a new era begins
  // then, and comes first in the order.
  await sql`CREATE TABLE audit_eras (era integer PRIMARY KEY, began_at timestamptz(3) NOT NULL DEFAULT now())`.execute(
    db,
  );
  await sql`INSERT INTO audit_eras (era) VALUES (1)`.execute(db);
  await sql`
    CREATE FUNCTION current_audit_era() RETURNS integer LANGUAGE sql STABLE AS $$
      SELECT max(era) FROM audit_eras
    $$`.execute(db);
  // A record with a smaller sequence may be committed after one with a larger. Ordered by transaction, everything below
  // the oldest transaction that still runs is final: nothing can appear there any more.
  await sql`
    ALTER TABLE audit_log
    ADD COLUMN era integer NOT NULL DEFAULT current_audit_era(),
    ADD COLUMN transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ADD COLUMN record_id uuid`.execute(db);
  // Who does not know whether a record was written writes it again: it is there once.
  await sql`CREATE UNIQUE INDEX audit_log_record_id_key ON audit_log (record_id)`.execute(db);
  await sql`CREATE INDEX audit_log_order_idx ON audit_log (era, transaction, sequence)`.execute(db);
  await sql`CREATE INDEX audit_log_user_order_idx ON audit_log (user_id, era, transaction, sequence)`.execute(db);
}
