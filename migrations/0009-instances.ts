// The server processes that share this database, and which terminals each of them has open.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // One row for each life of a process. `beats` grows while it lives: who watches it needs no clock but its own.
  // `heartbeat_at` is the database's time, for people to read; nothing is decided by it.
  await sql`
    CREATE TABLE instances (
      run uuid PRIMARY KEY,
      id text COLLATE "C" NOT NULL,
      version text NOT NULL,
      peer_url text,
      draining boolean NOT NULL,
      started_at timestamptz(3) NOT NULL,
      beats bigint NOT NULL DEFAULT 0,
      heartbeat_at timestamptz(3) NOT NULL DEFAULT now(),
      agents integer NOT NULL,
      sessions integer NOT NULL,
      bus_lag_ms real NOT NULL,
      event_loop_p99_ms real NOT NULL
    )`.execute(db);
  // A slot is one viewer's connection. It goes with the process that has it: no slot outlives its instance's row.
  // User and agent refer to nothing: a row that is deleted must not wait for one that is opened.
  await sql`
    CREATE TABLE terminal_slots (
      connection_id uuid PRIMARY KEY,
      user_id uuid NOT NULL,
      agent_id uuid NOT NULL,
      run uuid NOT NULL CONSTRAINT terminal_slots_run_fkey REFERENCES instances (run) ON DELETE CASCADE
    )`.execute(db);
  await sql`CREATE INDEX terminal_slots_user_idx ON terminal_slots (user_id)`.execute(db);
  await sql`CREATE INDEX terminal_slots_run_idx ON terminal_slots (run)`.execute(db);
  // A user's slots are taken one at a time, on whichever instance; two users of the same hash wait for each other, and
  // no more. Each statement of a VOLATILE function sees what was committed before it: the count, whatever the lock
  // waited for. One statement that locked and counted would see what was there before it waited.
  // The lock's first key is the family of locks: see advisory-locks.ts.
  await sql`
    CREATE FUNCTION take_terminal_slot(
      the_connection uuid, the_user uuid, the_agent uuid, the_run uuid, most integer, OUT used integer, OUT holds boolean
    ) LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(2, hashtext(the_user::text));
      SELECT count(DISTINCT agent_id), coalesce(bool_or(agent_id = the_agent), false) INTO used, holds
      FROM terminal_slots WHERE user_id = the_user;
      IF most IS NULL OR holds OR used < most THEN
        INSERT INTO terminal_slots (connection_id, user_id, agent_id, run)
        VALUES (the_connection, the_user, the_agent, the_run) ON CONFLICT DO NOTHING;
      END IF;
    END $$`.execute(db);
}
