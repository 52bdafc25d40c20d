// Recordings: what is recorded and how far, and the names of their pieces.

import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Kysely,
  type Selectable,
  type SqlBool,
  sql,
} from "kysely";
import type { BootId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { STOPPED } from "../../domain/recordings/end-recording.ts";
import type {
  NewRecording,
  Recording,
  RecordingFilter,
  RecordingOrder,
  RecordingStore,
  Segment,
} from "../../domain/recordings/recording.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { listRows } from "./list-rows.ts";
import { type OrderColumn, timeCursor } from "./paging.ts";
import type { RecordingTable, Schema } from "./schema.ts";
import { storableText } from "./text.ts";

type RecordingRow = Selectable<RecordingTable>;

const ORDERS: Readonly<Record<RecordingOrder, OrderColumn<RecordingRow>>> = {
  started_at: { expression: sql`started_at`, type: "time", cursorValue: (row) => timeCursor(row.started_at) },
};

export function createRecordingStore(database: Database): RecordingStore {
  return {
    create: (recording, audit) => createRecording(database, recording, audit),

    get: (id) =>
      database.run(async (db) => {
        const row = await db.selectFrom("recordings").selectAll().where("id", "=", id).executeTakeFirst();
        return row && toRecording(row);
      }),

    list: (query) => listRows(database, { table: "recordings", query, orders: ORDERS, matches }, toRecording),

    ofAgents: (ids) =>
      database.run(async (db) => {
        const isOne = (column: "agent_id" | "id") => sql<SqlBool>`${sql.ref(column)} = ANY(${[...ids]}::uuid[])`;
        const open = await db
          .selectFrom("recordings")
          .selectAll()
          .where("ended_at", "is", null)
          .where(isOne("agent_id"))
          .execute();
        const agents = await db
          .selectFrom("agents")
          .select(["id", "name", "record_sessions"])
          .where(isOne("id"))
          .execute();
        const settings = agents.map(
          ({ id, name, record_sessions }) => [id, { name, recordSessions: record_sessions }] as const,
        );
        return { open: open.map(toRecording), agents: new Map(settings) };
      }),

    addSegment: (id, segment) => database.transaction((trx) => addSegment(trx, id, segment)),

    segments: (id) =>
      database.run(async (db) => {
        const rows = await db
          .selectFrom("recording_segments")
          .select(["number", "key", "stored_bytes"])
          .where("recording_id", "=", id)
          .orderBy("number")
          .execute();
        return rows.map(({ number, key, stored_bytes }) => ({ number, key, storedBytes: stored_bytes }));
      }),

    mergeSegments: (id, numbers, { key, storedBytes }) =>
      database.transaction(async (trx) => {
        const [number = 0] = numbers;
        // Whoever merges the same ones waits here, and then finds them gone.
        await trx.selectFrom("recordings").select("id").where("id", "=", id).forUpdate().execute();
        const pieces = trx
          .selectFrom("recording_segments")
          .select("number")
          .where("recording_id", "=", id)
          .where(sql<SqlBool>`number = ANY(${[...numbers]}::integer[])`);
        if ((await pieces.execute()).length !== numbers.length) return false;
        await trx
          .deleteFrom("recording_segments")
          .where("recording_id", "=", id)
          .where("number", "in", pieces)
          .execute();
        await trx
          .insertInto("recording_segments")
          .values({ recording_id: id, number, key, stored_bytes: storedBytes })
          .execute();
        return true;
      }),

    end: (id, { at, reason, audit }) =>
      database.transaction(async (trx) => {
        const row = await trx
          .updateTable("recordings")
          .set({ ended_at: at, end_reason: storableText(reason) })
          .where("id", "=", id)
          .where("ended_at", "is", null)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const ended = toRecording(row);
        await appendAudit(trx, audit(ended));
        return ended;
      }),

    delete: (id, audit) =>
      database.transaction(async (trx) => {
        // No piece is added or merged from here on.
        const found = await trx.selectFrom("recordings").select("id").where("id", "=", id).forUpdate().execute();
        if (found.length === 0) return [];
        const pieces = await trx
          .deleteFrom("recording_segments")
          .where("recording_id", "=", id)
          .returning("key")
          .execute();
        await trx.deleteFrom("recordings").where("id", "=", id).execute();
        await appendAudit(trx, audit);
        return pieces.map(({ key }) => key);
      }),

    abandoned: (before, limit) =>
      database.run(async (db) => {
        const rows = await db
          .selectFrom("recordings")
          .select("id")
          .where("ended_at", "is", null)
          .where(
            sql<SqlBool>`NOT EXISTS (
              SELECT 1 FROM agents WHERE agents.id = agent_id
                AND (status IN ('online', 'suspect') OR last_seen_at IS NULL OR last_seen_at >= ${before}))`,
          )
          .limit(limit)
          .execute();
        return rows.map(({ id }) => id);
      }),

    expired: (before, limit) =>
      database.run(async (db) => {
        const rows = await db
          .selectFrom("recordings")
          .selectAll()
          .where("ended_at", "is not", null)
          .where(
            sql<SqlBool>`(ended_at < ${before ?? null}::timestamptz
              OR NOT EXISTS (SELECT 1 FROM users WHERE users.id = user_id))`,
          )
          .limit(limit)
          .execute();
        return rows.map(toRecording);
      }),
  };
}

function createRecording(database: Database, recording: NewRecording, audit: AuditRecord): Promise<Recording> {
  return database.transaction(async (trx) => {
    const { id, agentId, agentName, sessionId, userId, cause, startedBy, startedAt } = recording;
    const created = await trx
      .insertInto("recordings")
      .values({
        id,
        agent_id: agentId,
        agent_name: storableText(agentName),
        session_id: sessionId,
        user_id: userId,
        cause,
        started_by: startedBy ?? null,
        started_at: startedAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (created !== undefined) {
      await appendAudit(trx, audit);
      return toRecording(created);
    }
    return toRecording(
      await trx
        .selectFrom("recordings")
        .selectAll()
        .where("agent_id", "=", agentId)
        .where("session_id", "=", sessionId)
        .where("ended_at", "is", null)
        .executeTakeFirstOrThrow(),
    );
  });
}

async function addSegment(trx: Kysely<Schema>, id: RecordingRow["id"], segment: Segment): Promise<boolean> {
  const { key, number, place, firstSize, durationMs, textBytes, storedBytes, gaps, lostBytes } = segment;
  const { numUpdatedRows } = await trx
    .updateTable("recordings")
    .set((column) => ({
      segments: number + 1,
      boot_id: place.bootId ?? null,
      stream: place.stream,
      end_offset: place.endOffset,
      last_cols: place.size.cols,
      last_rows: place.size.rows,
      cols: sql<number>`CASE WHEN cols = 0 THEN ${firstSize.cols}::integer ELSE cols END`,
      rows: sql<number>`CASE WHEN rows = 0 THEN ${firstSize.rows}::integer ELSE rows END`,
      duration_ms: durationMs,
      size_bytes: column("size_bytes", "+", textBytes),
      stored_bytes: column("stored_bytes", "+", storedBytes),
      gaps: column("gaps", "+", gaps),
      lost_bytes: column("lost_bytes", "+", lostBytes),
    }))
    .where("id", "=", id)
    .where("segments", "=", number)
    .where((where) => where.or([where("ended_at", "is", null), where("end_reason", "=", STOPPED)]))
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await trx
    .insertInto("recording_segments")
    .values({ recording_id: id, number, key, stored_bytes: storedBytes })
    .execute();
  return true;
}

function matches(
  where: ExpressionBuilder<Schema, "recordings">,
  { userId, agentId, sessionId, isOpen }: RecordingFilter,
): ExpressionWrapper<Schema, "recordings", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "recordings", SqlBool>[];
  if (userId !== undefined) terms.push(where("user_id", "=", userId));
  if (agentId !== undefined) terms.push(where("agent_id", "=", agentId));
  if (sessionId !== undefined) terms.push(where("session_id", "=", sessionId));
  if (isOpen !== undefined) terms.push(where("ended_at", isOpen ? "is" : "is not", null));
  return where.and(terms);
}

function toRecording(row: RecordingRow): Recording {
  return {
    id: row.id,
    agentId: row.agent_id,
    agentName: row.agent_name,
    sessionId: row.session_id,
    userId: row.user_id,
    cause: row.cause,
    startedAt: row.started_at,
    endReason: row.end_reason,
    size: { cols: row.cols, rows: row.rows },
    durationMs: row.duration_ms,
    sizeBytes: row.size_bytes,
    storedBytes: row.stored_bytes,
    gaps: row.gaps,
    lostBytes: row.lost_bytes,
    segments: row.segments,
    ...(row.started_by !== null && { startedBy: row.started_by }),
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(row.stream !== null &&
      row.end_offset !== null && {
        place: {
          bootId: (row.boot_id as BootId | null) ?? undefined,
          stream: row.stream,
          endOffset: row.end_offset,
          size: { cols: row.last_cols, rows: row.last_rows },
        },
      }),
  };
}
