// Enrolment codes: creation that a retry repeats without harm, look-up, lists, revocation; what they are for has its own file.

import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Kysely,
  type SqlBool,
  sql,
  type Transaction,
} from "kysely";
import {
  type CreateCodeResult,
  type EnrollmentCodeFilter,
  type EnrollmentCodeOrder,
  type EnrollmentCodeStore,
  MAX_OUTSTANDING_CODES,
  type NewEnrollmentCode,
} from "../../domain/agents/enrollment-codes.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { enrollAgent } from "./enroll-agent.ts";
import { type EnrollmentCodeRow, IS_LIVE, toEnrollmentCode } from "./enrollment-code-rows.ts";
import { listRows } from "./list-rows.ts";
import { type OrderColumn, timeCursor } from "./paging.ts";
import { lockUser } from "./register-agent.ts";
import type { Schema } from "./schema.ts";

const HAS_EXPIRED = sql<SqlBool>`enrollment_codes.expires_at <= now()`;

const ORDERS: Readonly<Record<EnrollmentCodeOrder, OrderColumn<EnrollmentCodeRow>>> = {
  created_at: { expression: sql`created_at`, type: "time", cursorValue: (row) => timeCursor(row.created_at) },
  expires_at: { expression: sql`expires_at`, type: "time", cursorValue: (row) => timeCursor(row.expires_at) },
};

export function createEnrollmentCodeStore(database: Database): EnrollmentCodeStore {
  return {
    async create(code, audit) {
      await database.run(removeExpired);
      return database.transaction((trx) => create(trx, code, audit));
    },
    enroll: (shown, enroll) => enrollAgent(database, shown, enroll),
    list: (query) =>
      listRows(database, { table: "enrollment_codes", query, orders: ORDERS, matches }, toEnrollmentCode),

    get: (id) =>
      database.run(async (db) => {
        const live = db.selectFrom("enrollment_codes").selectAll().where("id", "=", id).where(IS_LIVE);
        const row = await live.executeTakeFirst();
        return row === undefined ? undefined : toEnrollmentCode(row);
      }),

    revoke: (id, audit) =>
      database.transaction(async (trx) => {
        const revoked = await trx
          .deleteFrom("enrollment_codes")
          .where("id", "=", id)
          .where("used_at", "is", null)
          .where(IS_LIVE)
          .executeTakeFirst();
        if (revoked.numDeletedRows === 0n) return false;
        await appendAudit(trx, audit);
        return true;
      }),
  };
}

/** Those who make codes for one user take turns on the user's row: each counts what the one before has left. */
async function create(
  trx: Transaction<Schema>,
  code: NewEnrollmentCode,
  audit: AuditRecord,
): Promise<CreateCodeResult> {
  await lockUser(trx, code.userId);
  // Here it may wait for a row that was passed over before: whoever holds one waits for nobody.
  await trx.deleteFrom("enrollment_codes").where("user_id", "=", code.userId).where(HAS_EXPIRED).execute();
  const repeated = await replaceCode(trx, code, audit);
  if (repeated !== undefined) return repeated;
  const { outstanding } = await trx
    .selectFrom("enrollment_codes")
    .select((select) => select.fn.countAll<number>().as("outstanding"))
    .where("user_id", "=", code.userId)
    .where("used_at", "is", null)
    .where(IS_LIVE)
    .executeTakeFirstOrThrow();
  if (outstanding >= MAX_OUTSTANDING_CODES) return { outcome: "too_many" };
  const row = await trx
    .insertInto("enrollment_codes")
    .values({
      id: code.id,
      user_id: code.userId,
      token_id: code.tokenId ?? null,
      hash: code.hash,
      name: code.name,
      tags: [...code.tags],
      request_id: code.requestId ?? null,
      created_at: sql<Date>`now()`,
      expires_at: sql<Date>`now() + ${code.lifetimeMs}::float8 * interval '1 millisecond'`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendAudit(trx, audit);
  return { outcome: "created", code: toEnrollmentCode(row) };
}

/** Everybody's, at whoever's creation. Rows that others hold are left to them. */
async function removeExpired(db: Kysely<Schema>): Promise<void> {
  const expired = db.selectFrom("enrollment_codes").select("id").where(HAS_EXPIRED).forUpdate().skipLocked();
  await db.deleteFrom("enrollment_codes").where("id", "in", expired).execute();
}

/** The code that the first answer told is gone: whoever has not heard it gets another one, for the time that is left. */
async function replaceCode(
  trx: Transaction<Schema>,
  code: NewEnrollmentCode,
  audit: AuditRecord,
): Promise<CreateCodeResult | undefined> {
  if (code.requestId === undefined) return undefined;
  const known = await trx
    .selectFrom("enrollment_codes")
    .select(["id", "used_at"])
    .where("user_id", "=", code.userId)
    .where("request_id", "=", code.requestId)
    .forUpdate()
    .executeTakeFirst();
  if (known === undefined) return undefined;
  if (known.used_at !== null) return { outcome: "used" };
  const row = await trx
    .updateTable("enrollment_codes")
    .set({ hash: code.hash, token_id: code.tokenId ?? null })
    .where("id", "=", known.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const detail = { ...audit.detail, repeated: "true" };
  await appendAudit(trx, { ...audit, subject: `enrollment_code:${known.id}`, detail });
  return { outcome: "created", code: toEnrollmentCode(row) };
}

function matches(
  where: ExpressionBuilder<Schema, "enrollment_codes">,
  filter: EnrollmentCodeFilter,
): ExpressionWrapper<Schema, "enrollment_codes", SqlBool> {
  const terms = [where(IS_LIVE, "=", true)] as ExpressionWrapper<Schema, "enrollment_codes", SqlBool>[];
  if (filter.userId !== undefined) terms.push(where("user_id", "=", filter.userId));
  if (filter.used !== undefined) terms.push(where("used_at", filter.used ? "is not" : "is", null));
  return where.and(terms);
}
