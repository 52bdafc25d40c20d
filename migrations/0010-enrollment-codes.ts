// Codes with which a machine registers itself as a user's agent, once.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `hash` is keyed: of a code, which people type, a plain hash could be turned back. `name` is empty where the machine
  // says it. `token_id` is the API token that made it, with which it ends; null where that was another issuer's JWT.
  // `expires_at` is by the database's clock. A row goes when it has expired; until then one that has been used stays,
  // with the request that used it, for the machine may not have heard the answer. It goes with its agent.
  await sql`
    CREATE TABLE enrollment_codes (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      token_id uuid REFERENCES api_tokens (id) ON DELETE CASCADE,
      hash text NOT NULL CONSTRAINT enrollment_codes_hash_key UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
      name text COLLATE "C" NOT NULL,
      tags text[] NOT NULL,
      request_id text,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      used_at timestamptz(3),
      agent_id uuid REFERENCES agents (id) ON DELETE CASCADE,
      used_by_request text,
      CONSTRAINT enrollment_codes_user_id_request_id_key UNIQUE (user_id, request_id),
      CONSTRAINT enrollment_codes_used_check CHECK ((used_at IS NULL) = (agent_id IS NULL))
    )`.execute(db);
  await sql`CREATE INDEX enrollment_codes_user_created_idx ON enrollment_codes (user_id, created_at, id)`.execute(db);
  await sql`CREATE INDEX enrollment_codes_expires_idx ON enrollment_codes (expires_at)`.execute(db);
  // For the deletion of a token and of an agent.
  await sql`CREATE INDEX enrollment_codes_token_idx ON enrollment_codes (token_id)`.execute(db);
  await sql`CREATE INDEX enrollment_codes_agent_idx ON enrollment_codes (agent_id)`.execute(db);
}
