// The machines that dial out.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // COLLATE "C": names sort the same on every machine, and two different names never compare equal.
  // `name_search` is the name folded by the server, because what lower() knows depends on the database's locale.
  // `epoch` is the largest epoch that has written presence; 0 before the first connection.
  await sql`
    CREATE TABLE agents (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      name text COLLATE "C" NOT NULL,
      name_search text COLLATE "C" NOT NULL,
      description text NOT NULL,
      os text NOT NULL,
      arch text NOT NULL,
      shell text NOT NULL,
      distro text NOT NULL DEFAULT '',
      version text NOT NULL DEFAULT '',
      tags text[] NOT NULL,
      status text NOT NULL DEFAULT 'registered' CHECK (status IN ('registered', 'online', 'suspect', 'offline')),
      mfa_locked boolean NOT NULL DEFAULT false,
      epoch bigint NOT NULL DEFAULT 0,
      instance_id text,
      system_info jsonb,
      stats jsonb,
      request_id text,
      created_at timestamptz(3) NOT NULL,
      updated_at timestamptz(3) NOT NULL,
      connected_at timestamptz(3),
      last_seen_at timestamptz(3),
      CONSTRAINT agents_user_id_name_key UNIQUE (user_id, name),
      CONSTRAINT agents_user_id_request_id_key UNIQUE (user_id, request_id)
    )`.execute(db);
  // One owner's list in each of its orders; the order by name uses agents_user_id_name_key.
  await sql`CREATE INDEX agents_user_created_idx ON agents (user_id, created_at, id)`.execute(db);
  // Everybody's, for admins.
  await sql`CREATE INDEX agents_created_idx ON agents (created_at, id)`.execute(db);
  await sql`CREATE INDEX agents_name_idx ON agents (name, id)`.execute(db);
  await sql`
    CREATE INDEX agents_last_seen_idx
    ON agents (coalesce(last_seen_at, '1970-01-01T00:00:00Z'::timestamptz(3)), id)`.execute(db);
  await sql`CREATE INDEX agents_instance_idx ON agents (instance_id) WHERE instance_id IS NOT NULL`.execute(db);
}
