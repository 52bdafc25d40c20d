// Sessions that are shared by a link: who shares which, with what right, until when.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `session_started_at` tells a session from a later one of the same name: a share is of the one that ran.
  // `token_hash` is the API token that the share was made with; it refers to nothing, so that a token whose secret is
  // replaced ends it, too.
  // `opened` counts the connections that were let in, also those of a guest that comes back.
  await sql`
    CREATE TABLE shares (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL CONSTRAINT shares_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
      agent_id uuid NOT NULL CONSTRAINT shares_agent_id_fkey REFERENCES agents (id) ON DELETE CASCADE,
      session_id text COLLATE "C" NOT NULL,
      session_started_at timestamptz(3) NOT NULL,
      access text NOT NULL CHECK (access IN ('watch', 'type')),
      max_viewers integer NOT NULL CHECK (max_viewers > 0),
      hash text NOT NULL CONSTRAINT shares_hash_key UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
      token_hash text,
      request_id text,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      revoked_at timestamptz(3),
      opened integer NOT NULL DEFAULT 0,
      last_opened_at timestamptz(3),
      CONSTRAINT shares_user_id_request_id_key UNIQUE (user_id, request_id)
    )`.execute(db);
  await sql`CREATE INDEX shares_user_created_idx ON shares (user_id, created_at, id)`.execute(db);
  await sql`CREATE INDEX shares_created_idx ON shares (created_at, id)`.execute(db);
  // For the deletion of an agent, and the list of one.
  await sql`CREATE INDEX shares_agent_idx ON shares (agent_id)`.execute(db);
  // With its end as it is now: a share goes with the token that it was made with, whenever that ends.
  await sql`
    CREATE VIEW shares_now AS
    SELECT shares.*,
      least(shares.expires_at, api_tokens.expires_at) AS ends_at,
      shares.revoked_at IS NOT NULL OR (shares.token_hash IS NOT NULL AND api_tokens.id IS NULL) AS is_revoked
    FROM shares LEFT JOIN api_tokens ON api_tokens.hash = shares.token_hash AND api_tokens.revoked_at IS NULL`.execute(
    db,
  );
}
