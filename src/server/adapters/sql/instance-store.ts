// The instances' rows. Whoever comes or goes takes a turn first (lockInstances), then locks rows of instances, then
// slots, then agents by their ids: nobody waits for another in a circle. A heartbeat waits for nobody's turn.

import { type Selectable, sql, type Transaction } from "kysely";
import type { InstanceId } from "../../../protocol/ids.ts";
import type {
  Departure,
  InstanceEntry,
  InstanceFigures,
  InstanceStore,
  OfflineAgent,
  StoredInstance,
} from "../../domain/instances/instance-store.ts";
import { lockInstances } from "./advisory-locks.ts";
import type { Database } from "./database.ts";
import type { InstanceTable, Schema } from "./schema.ts";
import { storableText } from "./text.ts";

type Transact = Transaction<Schema>;

export function createInstanceStore(database: Database): InstanceStore {
  const inTurn = <T>(work: (trx: Transact) => Promise<T>): Promise<T> =>
    database.transaction(async (trx) => {
      await lockInstances(trx);
      return work(trx);
    });

  return {
    enter: (self) =>
      inTurn(async (trx) => {
        const earlier = await lockRows(trx).where("id", "=", self.id).execute();
        const left = await remove(trx, self.id, earlier);
        await insert(trx, self);
        return left;
      }),

    reenter: (self) => inTurn((trx) => insert(trx, self)),

    async beat(run, figures) {
      const written = await database.run((db) =>
        db
          .updateTable("instances")
          .set((column) => ({ ...toColumns(figures), beats: column("beats", "+", 1), heartbeat_at: sql<Date>`now()` }))
          .where("run", "=", run)
          .executeTakeFirst(),
      );
      return written.numUpdatedRows === 1n ? "alive" : "declared_dead";
    },

    async list() {
      return (await database.run((db) => db.selectFrom("instances").selectAll().execute())).map(toInstance);
    },

    // The lock waits for a heartbeat that is being written, and then looks at the count again.
    declareDead: ({ run, beats }) =>
      inTurn(async (trx) =>
        removeOne(trx, await lockRows(trx).where("run", "=", run).where("beats", "=", beats).executeTakeFirst()),
      ),

    leave: (run) =>
      inTurn(async (trx) => removeOne(trx, await lockRows(trx).where("run", "=", run).executeTakeFirst())),

    markOrphansOffline: () => markOrphansOffline(database, inTurn),
  };
}

async function insert(trx: Transact, self: InstanceEntry): Promise<void> {
  await trx
    .insertInto("instances")
    .values({
      run: self.run,
      id: self.id,
      version: storableText(self.version),
      peer_url: self.peerUrl ?? null,
      started_at: self.startedAt,
      ...toColumns(self),
    })
    // It has been here all the time: nobody declared it dead after all.
    .onConflict((conflict) => conflict.column("run").doNothing())
    .execute();
}

/** FOR UPDATE keeps out slots that are being taken: they refer to the row, and wait until it is gone. */
function lockRows(trx: Transact) {
  return trx.selectFrom("instances").select(["run", "id"]).forUpdate();
}

type Found = Pick<StoredInstance, "run" | "id">;

function removeOne(trx: Transact, found: Found | undefined): Promise<Departure | undefined> {
  return found === undefined ? Promise.resolve(undefined) : remove(trx, found.id, [found]);
}

/** All rows are locked, and of the one instance. */
async function remove(trx: Transact, id: InstanceId, found: readonly Found[]): Promise<Departure> {
  const runs = found.map(({ run }) => run);
  if (runs.length > 0) {
    const slots = await trx
      .deleteFrom("terminal_slots")
      .where("run", "in", runs)
      .returning(["user_id", "agent_id", "connection_id"])
      .execute();
    await trx.deleteFrom("instances").where("run", "in", runs).execute();
    // Another life of it goes on: which agents are whose can't be told from their rows.
    const other = await trx.selectFrom("instances").select("run").where("id", "=", id).executeTakeFirst();
    const agents = other === undefined ? await markOffline(trx, [id]) : [];
    // A guest's has a share in the user's place (terminal-slots.ts).
    const ofUsers = slots.filter((slot) => (slot.agent_id as string) !== slot.connection_id);
    return { agents, users: [...new Set(ofUsers.map((slot) => slot.user_id))] };
  }
  return { agents: await markOffline(trx, [id]), users: [] };
}

async function markOrphansOffline(
  database: Database,
  inTurn: <T>(work: (trx: Transact) => Promise<T>) => Promise<T>,
): Promise<readonly OfflineAgent[]> {
  // Asked all the time and hardly ever answered: without a turn first.
  if ((await database.run((db) => findOrphaned(db))).length === 0) return [];
  return inTurn(async (trx) => markOffline(trx, await findOrphaned(trx)));
}

/** In a statement of its own, in turn: no instance comes between this look and what is done by it. */
async function findOrphaned(db: Parameters<Parameters<Database["run"]>[0]>[0]): Promise<InstanceId[]> {
  const { rows } = await sql<{ instance_id: InstanceId }>`
    SELECT DISTINCT instance_id FROM agents
    WHERE instance_id IS NOT NULL AND NOT EXISTS (SELECT FROM instances WHERE instances.id = agents.instance_id)
    `.execute(db);
  return rows.map((row) => row.instance_id);
}

/** Locked in the order in which presence does it. An agent that has gone elsewhere meanwhile stays as it is. */
async function markOffline(trx: Transact, instanceIds: readonly InstanceId[]): Promise<OfflineAgent[]> {
  const { rows } = await sql<OfflineAgent>`
    WITH locked AS (
      SELECT id FROM agents WHERE instance_id = ANY(${[...instanceIds]}::text[]) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE agents
    SET status = 'offline', instance_id = NULL, last_seen_at = coalesce(last_seen_at, now())
    FROM locked WHERE agents.id = locked.id
    RETURNING agents.id, agents.user_id AS "userId"`.execute(trx);
  return rows;
}

function toColumns(figures: InstanceFigures) {
  return {
    draining: figures.draining,
    agents: figures.agents,
    sessions: figures.sessions,
    bus_lag_ms: figures.busLagMs,
    event_loop_p99_ms: figures.eventLoopP99Ms,
  };
}

function toInstance(row: Selectable<InstanceTable>): StoredInstance {
  return {
    run: row.run,
    id: row.id,
    version: row.version,
    ...(row.peer_url !== null && { peerUrl: row.peer_url }),
    startedAt: row.started_at,
    draining: row.draining,
    agents: row.agents,
    sessions: row.sessions,
    busLagMs: row.bus_lag_ms,
    eventLoopP99Ms: row.event_loop_p99_ms,
    beats: row.beats,
    heartbeatAt: row.heartbeat_at,
  };
}
