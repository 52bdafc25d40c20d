// The second factor: secrets of users, recovery codes, wrong codes, and who may enter which locked agent until when.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE agents ADD COLUMN mfa_locked_at timestamptz(3)`.execute(db);
  // `secret` is ciphertext. `last_step` is the last time step whose code was used: only a later one is taken, so a code
  // works once whichever instance it is shown to, also where a clock is set back.
  // `failed_attempts` are the wrong codes since the last right one or the last lock-out.
  await sql`
    CREATE TABLE user_mfa (
      user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
      secret text NOT NULL,
      confirmed_at timestamptz(3),
      last_step bigint,
      failed_attempts integer NOT NULL DEFAULT 0 CHECK (failed_attempts >= 0),
      locked_until timestamptz(3)
    )`.execute(db);
  await sql`
    CREATE TABLE mfa_recovery_codes (
      user_id uuid NOT NULL REFERENCES user_mfa (user_id) ON DELETE CASCADE,
      hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
      used_at timestamptz(3),
      PRIMARY KEY (user_id, hash)
    )`.execute(db);
  // `sid` is the login: a grant is of no use to another one of the same user.
  await sql`
    CREATE TABLE mfa_grants (
      user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      agent_id uuid NOT NULL CONSTRAINT mfa_grants_agent_id_fkey REFERENCES agents (id) ON DELETE CASCADE,
      sid text NOT NULL,
      until timestamptz(3) NOT NULL,
      PRIMARY KEY (user_id, agent_id, sid)
    )`.execute(db);
  // For the deletion of an agent.
  await sql`CREATE INDEX mfa_grants_agent_idx ON mfa_grants (agent_id)`.execute(db);
}
