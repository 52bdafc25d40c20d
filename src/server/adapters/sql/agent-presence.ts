// What connections write of their agents: presence, guarded by epoch, and what agents report of themselves.

import { type RawBuilder, sql } from "kysely";
import type { AgentId, InstanceId } from "../../../protocol/ids.ts";
import type { AgentStats, AgentStore, ConnectionFacts, SystemInfo } from "../../domain/agents/agent.ts";
import { batchWhileBusy } from "./batch-while-busy.ts";
import type { Database } from "./database.ts";
import { storableJson } from "./text.ts";

type AgentPresence = Pick<
  AgentStore,
  "markConnected" | "markDisconnected" | "markSeen" | "saveSystemInfo" | "saveStats" | "markAllOffline"
>;

interface Where {
  instanceId: InstanceId;
  epoch: number;
}

interface Mark {
  id: AgentId;
  at: Date;
  facts: ConnectionFacts;
  where: Where;
}

export function createAgentPresence(database: Database): AgentPresence {
  const connected = batchWhileBusy<Mark, boolean>({ run: (marks) => markConnected(database, marks) });
  const disconnected = batchWhileBusy<Mark, void>({ run: (marks) => done(marks, markDisconnected(database, marks)) });
  const systemInfo = batchWhileBusy<{ id: AgentId; info: SystemInfo }, void>({
    run: (reports) => done(reports, saveSystemInfo(database, reports)),
    // Two statements may overtake each other, and the later report is the right one.
    maxUnderWay: 1,
  });
  return {
    markConnected: (id, at, facts, where) => connected({ id, at, facts, where }),
    markDisconnected: (id, at, where) => disconnected({ id, at, facts: {}, where }),
    markSeen: (seen) => markSeen(database, seen),
    saveSystemInfo: (id, info) => systemInfo({ id, info }),
    saveStats: (id, stats) => saveStats(database, id, stats),
    markAllOffline: (instanceId, at) => markAllOffline(database, instanceId, at),
  };
}

async function done(items: readonly unknown[], written: Promise<void>): Promise<void[]> {
  await written;
  return items.map(() => {});
}

/**
 * A later epoch wins. The same epoch may write again (facts that came later), but not once it is marked offline:
 * then this write is one that was overtaken by its own connection's end. Says of each whether the agent is there at all.
 */
async function markConnected(database: Database, marks: readonly Mark[]): Promise<boolean[]> {
  const ids = idsOf(marks);
  const { rows } = await database.run((db) =>
    sql<{ id: AgentId }>`
      ${lockedRows(marks)}, written AS (
        UPDATE agents
        SET status = 'online', epoch = given.epoch, instance_id = given.instance_id, connected_at = given.at,
          last_seen_at = greatest(agents.last_seen_at, given.at),
          os = coalesce(given.os, agents.os), arch = coalesce(given.arch, agents.arch),
          shell = coalesce(given.shell, agents.shell), distro = coalesce(given.distro, agents.distro),
          version = coalesce(given.version, agents.version),
          system_info = coalesce(given."systemInfo", agents.system_info)
        FROM given JOIN locked USING (id)
        WHERE agents.id = given.id AND agents.id = ANY(${ids}::uuid[])
          AND (agents.epoch < given.epoch OR agents.epoch = given.epoch AND agents.status IN ('online', 'suspect'))
      )
      SELECT id FROM locked
    `.execute(db),
  );
  const there = new Set(rows.map(({ id }) => id));
  return marks.map(({ id }) => there.has(id));
}

async function markDisconnected(database: Database, marks: readonly Mark[]): Promise<void> {
  await database.run((db) =>
    sql`
      ${lockedRows(marks)}
      UPDATE agents
      SET status = 'offline', epoch = given.epoch, instance_id = NULL,
        last_seen_at = greatest(agents.last_seen_at, given.at)
      FROM given JOIN locked USING (id)
      WHERE agents.id = given.id AND agents.id = ANY(${idsOf(marks)}::uuid[]) AND agents.epoch <= given.epoch
    `.execute(db),
  );
}

/**
 * Besides a join: how many rows come out of JSON the planner can only guess, and by its guess it reads the whole table for
 * one agent, twice. How long an array is it knows.
 */
function idsOf(items: readonly { id: AgentId }[]): readonly AgentId[] {
  return items.map(({ id }) => id);
}

/** Begins a statement. Of one agent's marks the one of the latest epoch counts, with what all of that epoch have stated. */
function lockedRows(marks: readonly Mark[]): RawBuilder<unknown> {
  const latest = new Map<AgentId, Mark>();
  for (const mark of marks) {
    const known = latest.get(mark.id);
    if (known === undefined || known.where.epoch < mark.where.epoch) latest.set(mark.id, mark);
    else if (known.where.epoch === mark.where.epoch) {
      latest.set(mark.id, { ...mark, facts: { ...known.facts, ...mark.facts } });
    }
  }
  const given = [...latest.values()].map(({ id, at, facts, where: { epoch, instanceId } }) => ({
    ...facts,
    id,
    at,
    epoch,
    instance_id: instanceId,
  }));
  // The rows are locked in the order of their ids, so that two batches never wait for each other.
  return sql`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${storableJson(given)}::jsonb) AS given (
        id uuid, at timestamptz, epoch bigint, instance_id text, os text, arch text, shell text, distro text,
        version text, "systemInfo" jsonb
      )
    ), locked AS (
      SELECT id FROM agents WHERE id = ANY(${idsOf(given)}::uuid[]) ORDER BY id FOR NO KEY UPDATE
    )`;
}

/** An agent that is offline by now stays so: a batch written late brings nobody back. */
async function markSeen(database: Database, seen: Parameters<AgentStore["markSeen"]>[0]): Promise<void> {
  const latest = [...new Map(seen.map((one) => [one.id, one])).values()];
  if (latest.length === 0) return;
  await database.run((db) =>
    // The rows are locked in the order of their ids, so that two batches never wait for each other.
    sql`
      WITH seen AS (
        SELECT * FROM unnest(
          ${latest.map((one) => one.id)}::uuid[],
          ${latest.map((one) => one.at.toISOString())}::timestamptz[],
          ${latest.map((one) => one.status)}::text[]
        ) AS given (id, at, status)
      ), locked AS (
        SELECT agents.id FROM agents JOIN seen USING (id) ORDER BY agents.id FOR NO KEY UPDATE OF agents
      )
      UPDATE agents
      SET status = seen.status, last_seen_at = greatest(agents.last_seen_at, seen.at)
      FROM seen JOIN locked USING (id)
      WHERE agents.id = seen.id AND agents.status IN ('online', 'suspect')`.execute(db),
  );
}

async function saveSystemInfo(
  database: Database,
  reports: readonly { id: AgentId; info: SystemInfo }[],
): Promise<void> {
  const latest = [...new Map(reports.map((report) => [report.id, report])).values()];
  const ids = idsOf(latest);
  await database.run((db) =>
    sql`
      WITH given AS (
        SELECT * FROM jsonb_to_recordset(${storableJson(latest)}::jsonb) AS given (id uuid, info jsonb)
      ), locked AS (
        SELECT id FROM agents WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE
      )
      UPDATE agents SET system_info = given.info
      FROM given JOIN locked USING (id)
      WHERE agents.id = given.id AND agents.id = ANY(${ids}::uuid[])`.execute(db),
  );
}

async function saveStats(database: Database, id: AgentId, stats: AgentStats): Promise<void> {
  await database.run((db) =>
    db
      .updateTable("agents")
      .set({ stats: storableJson(stats) })
      .where("id", "=", id)
      .execute(),
  );
}

async function markAllOffline(database: Database, instanceId: InstanceId, at: Date): Promise<number> {
  const result = await database.run((db) =>
    db
      .updateTable("agents")
      .set({ status: "offline", instance_id: null, last_seen_at: sql<Date>`coalesce(last_seen_at, ${at})` })
      .where("instance_id", "=", instanceId)
      .executeTakeFirst(),
  );
  return Number(result.numUpdatedRows);
}
