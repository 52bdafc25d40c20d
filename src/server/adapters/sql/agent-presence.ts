// What connections write of their agents: presence, guarded by epoch, and what agents report of themselves.

import { sql } from "kysely";
import type { AgentId, InstanceId } from "../../../protocol/ids.ts";
import type { AgentStats, AgentStore, ConnectionFacts, SystemInfo } from "../../domain/agents/agent.ts";
import type { Database } from "./database.ts";
import { storableJson, storableText } from "./text.ts";

type AgentPresence = Pick<
  AgentStore,
  "markConnected" | "markDisconnected" | "markSeen" | "saveSystemInfo" | "saveStats" | "markAllOffline"
>;

interface Where {
  instanceId: InstanceId;
  epoch: number;
}

export function createAgentPresence(database: Database): AgentPresence {
  return {
    markConnected: (id, at, facts, where) => markConnected(database, { id, at, facts, where }),
    markDisconnected: (id, at, where) => markDisconnected(database, { id, at, where }),
    markSeen: (seen) => markSeen(database, seen),
    saveSystemInfo: (id, info) => saveSystemInfo(database, id, info),
    saveStats: (id, stats) => saveStats(database, id, stats),
    markAllOffline: (instanceId, at) => markAllOffline(database, instanceId, at),
  };
}

/**
 * A later epoch wins. The same epoch may write again (facts that came later), but not once it is marked offline:
 * then this write is one that was overtaken by its own connection's end.
 */
async function markConnected(
  database: Database,
  input: { id: AgentId; at: Date; facts: ConnectionFacts; where: Where },
): Promise<void> {
  const { id, at, facts } = input;
  const { epoch, instanceId } = input.where;
  const stated = Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined);
  await database.run((db) =>
    db
      .updateTable("agents")
      .set({
        ...(Object.fromEntries(stated.map(([name, value]) => [name, storableText(value)])) as ConnectionFacts),
        status: "online",
        epoch,
        instance_id: instanceId,
        connected_at: at,
        last_seen_at: sql<Date>`greatest(last_seen_at, ${at})`,
      })
      .where("id", "=", id)
      .where((where) =>
        where.or([
          where("epoch", "<", epoch),
          where.and([where("epoch", "=", epoch), where("status", "in", ["online", "suspect"])]),
        ]),
      )
      .execute(),
  );
}

async function markDisconnected(database: Database, input: { id: AgentId; at: Date; where: Where }): Promise<void> {
  await database.run((db) =>
    db
      .updateTable("agents")
      .set({
        status: "offline",
        epoch: input.where.epoch,
        instance_id: null,
        last_seen_at: sql<Date>`greatest(last_seen_at, ${input.at})`,
      })
      .where("id", "=", input.id)
      .where("epoch", "<=", input.where.epoch)
      .execute(),
  );
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

async function saveSystemInfo(database: Database, id: AgentId, info: SystemInfo): Promise<void> {
  await database.run((db) =>
    db
      .updateTable("agents")
      .set({ system_info: storableJson(info) })
      .where("id", "=", id)
      .execute(),
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
