// Recordings of sessions: what is recorded, how far, and under which names its pieces are stored.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE agents ADD COLUMN record_sessions boolean NOT NULL DEFAULT false`.execute(db);
  // A recording outlives its agent: it refers to nothing. `boot_id` and `stream` name the shell at its agent, once that is
  // known; `end_offset` is how much of the shell's output is stored. `segments` grows by one with each piece: who adds one
  // says how many there were, so that of two instances one goes on.
  await sql`
    CREATE TABLE recordings (
      id uuid PRIMARY KEY,
      agent_id uuid NOT NULL,
      agent_name text NOT NULL,
      session_id text COLLATE "C" NOT NULL,
      user_id uuid NOT NULL,
      cause text NOT NULL CHECK (cause IN ('asked', 'agent', 'server')),
      started_by uuid,
      started_at timestamptz(3) NOT NULL,
      ended_at timestamptz(3),
      end_reason text NOT NULL DEFAULT '',
      boot_id text,
      stream bigint,
      cols integer NOT NULL DEFAULT 0,
      rows integer NOT NULL DEFAULT 0,
      last_cols integer NOT NULL DEFAULT 0,
      last_rows integer NOT NULL DEFAULT 0,
      end_offset bigint,
      duration_ms bigint NOT NULL DEFAULT 0,
      size_bytes bigint NOT NULL DEFAULT 0,
      stored_bytes bigint NOT NULL DEFAULT 0,
      gaps integer NOT NULL DEFAULT 0,
      lost_bytes bigint NOT NULL DEFAULT 0,
      segments integer NOT NULL DEFAULT 0
    )`.execute(db);
  // A session is recorded once, whoever asks for it.
  await sql`
    CREATE UNIQUE INDEX recordings_open_key ON recordings (agent_id, session_id) WHERE ended_at IS NULL`.execute(db);
  await sql`CREATE INDEX recordings_started_idx ON recordings (started_at, id)`.execute(db);
  await sql`CREATE INDEX recordings_user_idx ON recordings (user_id, started_at, id)`.execute(db);
  await sql`CREATE INDEX recordings_agent_idx ON recordings (agent_id, started_at, id)`.execute(db);
  await sql`
    CREATE TABLE recording_segments (
      recording_id uuid NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
      number integer NOT NULL,
      key text COLLATE "C" NOT NULL,
      stored_bytes bigint NOT NULL,
      PRIMARY KEY (recording_id, number)
    )`.execute(db);
}
