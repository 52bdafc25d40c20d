// Which agents each user has terminals on, over all instances: one row for each viewer's connection. The rows of one
// instance live as long as its own (instance-store.ts), so what a dead one held is free once it is declared dead.
// In a guest's row the share stands for the user, and the connection for an agent of its own: each guest counts.

import { type Kysely, sql } from "kysely";
import type { ConnectionId, RunId, ShareId, UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../../domain/clock.ts";
import { DomainError } from "../../domain/domain-error.ts";
import {
  type GuestSlot,
  type SlotAnswer,
  slotKey,
  type TerminalSlot,
  type TerminalSlots,
} from "../../domain/plans/plan.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import type { Schema } from "./schema.ts";

export interface SqlTerminalSlotsDeps {
  /** This process's own: rows are written under it. */
  run: RunId;
  clock: Pick<Clock, "monotonicMs">;
  /** May hear of a user once too often, when one of several windows on an agent is closed; never too seldom. */
  onChange: (userId: UserId) => void;
}

export interface SqlTerminalSlots extends TerminalSlots {
  /**
   * After this run was declared dead and has entered again: puts back the rows of the connections that it still has,
   * whatever the limits. Where that fails now, `tick` does it.
   */
  reacquire(): Promise<void>;
  /** Every few seconds: does again what failed. Rejects where it fails once more. */
  tick(): Promise<void>;
}

/** A statement whose end we have not heard may be committed later, but not later than Postgres's own time-outs allow. */
const SETTLED_AFTER_MS = 30_000;

export function createSqlTerminalSlots(deps: SqlTerminalSlotsDeps & { database: Database }): SqlTerminalSlots {
  const { database, run, clock, onChange } = deps;
  /** Granted and not given back: one for each viewer of this process. */
  const held = new Map<ConnectionId, TerminalSlot | GuestSlot>();
  /**
   * Connections that are over, whose rows may be there all the same, since when. As many as viewers left while the
   * database was away, and as there were statements under way when it went.
   */
  const leftOver = new Map<ConnectionId, number>();
  let isMissing = false;
  const used = inOneGo((holders) => database.run((db) => countMany(db, holders)));

  async function reacquire(): Promise<void> {
    isMissing = true;
    const slots = [...held.values()];
    if (slots.length > 0) await refusedWithoutRun(() => database.run((db) => insertAll(db, run, slots)));
    isMissing = false;
    // One that was given back while we wrote had no row to remove.
    for (const { connectionId } of slots) if (!held.has(connectionId)) leftOver.set(connectionId, clock.monotonicMs());
    for (const userId of new Set(slots.flatMap((slot) => ("userId" in slot ? [slot.userId] : [])))) onChange(userId);
  }

  async function remove(connectionIds: readonly ConnectionId[]): Promise<void> {
    for (const userId of await database.run((db) => deleteAll(db, connectionIds))) onChange(userId);
  }

  return {
    async acquire(slot, limit) {
      let mayBeWritten = false;
      const look = await refusedWithoutRun(() =>
        database.run((db) =>
          db.connection().execute((connection) => {
            mayBeWritten = true;
            return take(connection, { run, slot, limit });
          }),
        ),
      ).catch((error: unknown) => {
        if (mayBeWritten) leftOver.set(slot.connectionId, clock.monotonicMs());
        throw error;
      });
      const answer = answerTo(look, limit);
      if (!answer.granted) return answer;
      held.set(slot.connectionId, slot);
      if (!look.holds && "userId" in slot) onChange(slot.userId);
      return answer;
    },

    check: async (slot, limit) => answerTo(await database.run((db) => lookAt(db, slot)), limit),

    async release({ connectionId }) {
      held.delete(connectionId);
      try {
        await remove([connectionId]);
      } catch (error) {
        leftOver.set(connectionId, clock.monotonicMs());
        throw error;
      }
    },

    used,
    reacquire,

    async tick() {
      if (isMissing) await reacquire();
      if (leftOver.size === 0) return;
      const now = clock.monotonicMs();
      const over = [...leftOver];
      await remove(over.map(([connectionId]) => connectionId));
      for (const [id, sinceMs] of over) if (now - sinceMs >= SETTLED_AFTER_MS) leftOver.delete(id);
    },
  };
}

/** What a user has before a slot is taken. */
interface Look {
  used: number;
  /** Terminals on this very agent: another one takes no further slot. */
  holds: boolean;
}

function answerTo({ used, holds }: Look, limit: number | undefined): SlotAnswer {
  return limit === undefined || holds || used < limit ? { granted: true } : { granted: false, used };
}

/** One round trip, in which the database locks, counts and inserts: how is in migrations/0009-instances.ts. */
async function take(
  db: Kysely<Schema>,
  { run, slot, limit }: { run: RunId; slot: TerminalSlot | GuestSlot; limit: number | undefined },
): Promise<Look> {
  const { holder, counted } = slotKey(slot);
  const { rows } = await sql<Look>`
    SELECT used, holds FROM take_terminal_slot(
      ${slot.connectionId}::uuid, ${holder}::uuid, ${counted}::uuid, ${run}::uuid, ${limit ?? null}::integer
    )`.execute(db);
  return only(rows);
}

async function lookAt(db: Kysely<Schema>, { userId, agentId }: Omit<TerminalSlot, "connectionId">): Promise<Look> {
  const { rows } = await sql<Look>`
    SELECT count(DISTINCT agent_id)::integer AS used, coalesce(bool_or(agent_id = ${agentId}::uuid), false) AS holds
    FROM terminal_slots WHERE user_id = ${userId}::uuid`.execute(db);
  return only(rows);
}

function only(rows: readonly Look[]): Look {
  const [row] = rows;
  if (row === undefined) throw new Error("a count without a row");
  return row;
}

async function insertAll(db: Kysely<Schema>, run: RunId, slots: readonly (TerminalSlot | GuestSlot)[]): Promise<void> {
  await sql`
    INSERT INTO terminal_slots (connection_id, user_id, agent_id, run)
    SELECT connection_id, user_id, agent_id, ${run}::uuid FROM unnest(
      ${slots.map((slot) => slot.connectionId)}::uuid[],
      ${slots.map((slot) => slotKey(slot).holder)}::uuid[],
      ${slots.map((slot) => slotKey(slot).counted)}::uuid[]
    ) AS given (connection_id, user_id, agent_id)
    ON CONFLICT (connection_id) DO NOTHING`.execute(db);
}

/** Returns whose they were, of the users. */
async function deleteAll(db: Kysely<Schema>, connectionIds: readonly ConnectionId[]): Promise<Set<UserId>> {
  const { rows } = await sql<{ user_id: UserId; is_guest: boolean }>`
    DELETE FROM terminal_slots WHERE connection_id = ANY(${[...connectionIds]}::uuid[])
    RETURNING user_id, agent_id = connection_id AS is_guest`.execute(db);
  return new Set(rows.flatMap((row) => (row.is_guest ? [] : [row.user_id])));
}

type Holder = UserId | ShareId;

async function countMany(db: Kysely<Schema>, holders: readonly Holder[]): Promise<ReadonlyMap<Holder, number>> {
  const { rows } = await sql<{ user_id: Holder; used: number }>`
    SELECT user_id, count(DISTINCT agent_id)::integer AS used FROM terminal_slots
    WHERE user_id = ANY(${[...holders]}::uuid[]) GROUP BY user_id`.execute(db);
  return new Map(rows.map((row) => [row.user_id, row.used]));
}

/** A list of limits asks for each of its users: those who are asked for at one moment are read in one statement. */
function inOneGo(
  read: (holders: readonly Holder[]) => Promise<ReadonlyMap<Holder, number>>,
): (holder: Holder) => Promise<number> {
  let next: { holders: Set<Holder>; counts: Promise<ReadonlyMap<Holder, number>> } | undefined;
  return async (holder) => {
    if (next === undefined) {
      const holders = new Set<Holder>();
      const counts = Promise.resolve().then(() => {
        next = undefined;
        return read([...holders]);
      });
      next = { holders, counts };
    }
    next.holders.add(holder);
    return (await next.counts).get(holder) ?? 0;
  };
}

/** This run has been declared dead and does not know it yet: a slot of nobody's can't be given out. */
async function refusedWithoutRun<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (violatedConstraint(error) !== "terminal_slots_run_fkey") throw error;
    throw new DomainError("BACKEND_UNAVAILABLE", {}, { cause: error });
  }
}
