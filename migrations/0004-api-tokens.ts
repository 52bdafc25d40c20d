// API tokens, by the SHA-256 of their secret; the secret itself is nowhere.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `origin` keeps the token that came with an agent's registration apart from those that were asked for by
  // themselves: the request ids of the two are different things.
  await sql`
    CREATE TABLE api_tokens (
      id uuid PRIMARY KEY,
      user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      agent_id uuid REFERENCES agents (id) ON DELETE CASCADE,
      origin text NOT NULL CHECK (origin IN ('registration', 'created')),
      name text COLLATE "C" NOT NULL,
      hash text NOT NULL CONSTRAINT api_tokens_hash_key UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
      prefix text NOT NULL,
      scopes text[] NOT NULL,
      request_id text,
      created_at timestamptz(3) NOT NULL,
      expires_at timestamptz(3),
      last_used_at timestamptz(3),
      revoked_at timestamptz(3),
      CONSTRAINT api_tokens_user_id_request_id_key UNIQUE (user_id, request_id),
      CONSTRAINT api_tokens_agent_scope_check CHECK (('agent' = ANY (scopes)) = (agent_id IS NOT NULL))
    )`.execute(db);
  await sql`CREATE INDEX api_tokens_user_created_idx ON api_tokens (user_id, created_at, id)`.execute(db);
  await sql`CREATE INDEX api_tokens_agent_idx ON api_tokens (agent_id) WHERE agent_id IS NOT NULL`.execute(db);
}
