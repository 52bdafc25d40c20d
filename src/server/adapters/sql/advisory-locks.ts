// Advisory locks of ours, held until the transaction ends. They have two keys, a family and a member: no such lock is
// the same as one with a single key, such as kysely's own. Families: 1 here, 2 in migrations/0009-instances.ts.

import { sql, type Transaction } from "kysely";
import type { Schema } from "./schema.ts";

const INSTANCES = 1;

/** Who is an instance changes one at a time. Taken before any row is locked. */
export async function lockInstances(trx: Transaction<Schema>): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${INSTANCES}, 0)`.execute(trx);
}
