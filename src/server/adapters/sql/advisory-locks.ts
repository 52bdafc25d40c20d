// Advisory locks of ours, held until the transaction ends. They have two keys, a family and a member: no such lock is
// the same as one with a single key, such as kysely's own.

import { sql, type Transaction } from "kysely";
import type { UserId } from "../../../protocol/ids.ts";
import type { Schema } from "./schema.ts";

const INSTANCES = 1;
const TERMINAL_SLOTS = 2;

/** Who is an instance changes one at a time. Taken before any row is locked. */
export async function lockInstances(trx: Transaction<Schema>): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${INSTANCES}, 0)`.execute(trx);
}

/** Terminals of one user are opened one at a time. Two users of the same hash wait for each other, and no more. */
export async function lockSlotsOf(trx: Transaction<Schema>, userId: UserId): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${TERMINAL_SLOTS}, hashtext(${userId}))`.execute(trx);
}
