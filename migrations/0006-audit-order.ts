// The order in which the audit log's records became visible, so that a watcher misses none of them.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // A record with a smaller sequence may be committed after one with a larger. Ordered by transaction first, everything
  // below the oldest transaction that still runs is final: nothing can appear there any more.
  await sql`ALTER TABLE audit_log ADD COLUMN transaction xid8 NOT NULL DEFAULT pg_current_xact_id()`.execute(db);
  await sql`CREATE INDEX audit_log_order_idx ON audit_log (transaction, sequence)`.execute(db);
  await sql`CREATE INDEX audit_log_user_order_idx ON audit_log (user_id, transaction, sequence)`.execute(db);
}
