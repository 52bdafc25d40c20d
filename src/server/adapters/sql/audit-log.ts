// The audit log: appends, alone or as a part of the change that it tells of; lists, and what has come since.

import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Kysely,
  type Selectable,
  type SqlBool,
  sql,
} from "kysely";
import {
  type AuditRecord,
  type EventFilter,
  type EventLog,
  type LoggedRecord,
  type LogPosition,
  MAX_COUNTED,
} from "../../domain/events/audit.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { MAX_PAGE_SIZE, type Page, type PageQuery } from "../../domain/page.ts";
import type { Database } from "./database.ts";
import { direction, rowsToRead } from "./paging.ts";
import type { AuditLogTable, Schema } from "./schema.ts";
import { prefixPattern, storableJson, storableText } from "./text.ts";

/** As text: no number of JavaScript holds 64 bits. */
const TRANSACTION_TEXT = sql<string>`transaction::text`.as("transaction_text");

export function createEventLog(database: Database): EventLog {
  return {
    append: (record) => database.run((db) => appendAudit(db, record)),
    appendAll: (records) => database.run((db) => appendAudits(db, records)),
    list: (query) => listRecords(database, query),
    end: () => database.run(endOfLog),
    readAfter: (after, filter, limit) => readAfter(database, { after, filter, limit }),
  };
}

/** With a transaction as `db`, the record stands or falls with what it tells of. */
export function appendAudit(db: Kysely<Schema>, record: AuditRecord): Promise<void> {
  return appendAudits(db, [record]);
}

/**
 * Several in one statement, and in one parameter: of five hundred records with one for each value, most of the time
 * would go into the statement's text. The era is read once, and not for each record as by the column's default.
 */
export async function appendAudits(db: Kysely<Schema>, records: readonly AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  const given = records.map(({ id, userId, ...rest }) => ({ ...rest, user_id: userId, record_id: id }));
  await sql`
    INSERT INTO audit_log (era, at, type, subject, actor, user_id, detail, record_id)
    SELECT (SELECT current_audit_era()), at, type, subject, actor, user_id, detail, record_id
    FROM jsonb_to_recordset(${storableJson(given)}::jsonb) AS given (
      at timestamptz, type text, subject text, actor text, user_id uuid, detail jsonb, record_id uuid
    )
    ON CONFLICT (record_id) DO NOTHING`.execute(db);
}

async function listRecords(database: Database, query: PageQuery<EventFilter, "sequence">): Promise<Page<LoggedRecord>> {
  const behind = query.after === undefined ? undefined : sequenceOf(query.after.value);
  return database.run(async (db) => {
    const rows = await db
      .selectFrom("audit_log")
      .selectAll()
      .select(TRANSACTION_TEXT)
      .where((where) => matches(where, query.filter))
      .$if(behind !== undefined, (rest) => rest.where("sequence", query.order.descending ? "<" : ">", behind as number))
      .orderBy("sequence", direction(query))
      .limit(rowsToRead(query))
      .execute();
    const { total } = await db
      .selectFrom(
        db
          .selectFrom("audit_log")
          .select("sequence")
          .where((where) => matches(where, query.filter))
          .limit(MAX_COUNTED)
          .as("counted"),
      )
      .select((select) => select.fn.countAll<number>().as("total"))
      .executeTakeFirstOrThrow();
    const page = rows.slice(0, rowsToRead(query) - 1).map(toRecord);
    const last = page.at(-1);
    if (last === undefined || rows.length === page.length) return { rows: page, total };
    return { rows: page, total, next: { value: String(last.sequence), id: "" } };
  });
}

function sequenceOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalidField("page_token", "is not one that this list has returned");
  return Number(text);
}

/** Everything below the oldest transaction that still runs is final. */
async function readAfter(
  database: Database,
  { after, filter, limit }: { after: LogPosition; filter: EventFilter; limit: number },
): Promise<{ records: readonly LoggedRecord[]; position: LogPosition } | "unknown"> {
  return database.run(async (db) => {
    const end = await endOfLog(db);
    // Of another database, or of this one before it was restored from an older copy.
    if (isBehind(after, end)) return "unknown";
    const rows = await db
      .selectFrom("audit_log")
      .selectAll()
      .select(TRANSACTION_TEXT)
      .where(sql<SqlBool>`(era, transaction) < (${end.era}::integer, ${end.transaction}::text::xid8)`)
      .where(
        sql<SqlBool>`(era, transaction, sequence) >
          (${after.era}::integer, ${after.transaction}::text::xid8, ${after.sequence}::bigint)`,
      )
      .where((where) => matches(where, filter))
      .orderBy("era")
      .orderBy("transaction")
      .orderBy("sequence")
      .limit(Math.min(limit, MAX_PAGE_SIZE))
      .execute();
    const records = rows.map(toRecord);
    const isAll = rows.length < Math.min(limit, MAX_PAGE_SIZE);
    const position = isAll ? undefined : records.at(-1)?.position;
    return { records, position: position ?? end };
  });
}

function isBehind(position: LogPosition, end: LogPosition): boolean {
  if (position.era !== end.era) return position.era > end.era;
  return BigInt(position.transaction) > BigInt(end.transaction);
}

/** Before the oldest transaction that still runs, or the next one. */
async function endOfLog(db: Kysely<Schema>): Promise<LogPosition> {
  const { rows } = await sql<{ era: number; oldest: string }>`
    SELECT current_audit_era() AS era, pg_snapshot_xmin(pg_current_snapshot())::text AS oldest`.execute(db);
  const [end] = rows;
  if (end === undefined) throw new Error("the database has told no snapshot");
  return { era: end.era, transaction: end.oldest, sequence: 0 };
}

/**
 * To be called at the start, before anything is written. Where the log holds transactions that this database has not
 * come to yet, it was restored from another: its records are the past, whatever their numbers.
 */
export async function beginAuditEra(db: Kysely<Schema>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`LOCK TABLE audit_eras IN EXCLUSIVE MODE`.execute(trx);
    await sql`
      INSERT INTO audit_eras (era)
      SELECT current_audit_era() + 1 WHERE EXISTS (
        SELECT 1 FROM audit_log
        WHERE era = current_audit_era() AND transaction >= pg_snapshot_xmax(pg_current_snapshot())
      )`.execute(trx);
  });
}

function matches(
  where: ExpressionBuilder<Schema, "audit_log">,
  filter: EventFilter,
): ExpressionWrapper<Schema, "audit_log", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "audit_log", SqlBool>[];
  const { type, subject, actor, userId } = filter;
  if (userId !== undefined) terms.push(where("user_id", "=", userId));
  if (subject !== undefined) terms.push(where("subject", "=", storableText(subject)));
  if (actor !== undefined) terms.push(where("actor", "=", storableText(actor)));
  if (type?.endsWith(".")) terms.push(where("type", "like", prefixPattern(storableText(type))));
  else if (type !== undefined) terms.push(where("type", "=", storableText(type)));
  return where.and(terms);
}

function toRecord(row: Selectable<AuditLogTable> & { transaction_text: string }): LoggedRecord {
  const { sequence, at, type, subject, actor, detail } = row;
  const position = { era: row.era, transaction: row.transaction_text, sequence };
  return { sequence, position, at, type, subject, actor, detail, ...(row.user_id !== null && { userId: row.user_id }) };
}
