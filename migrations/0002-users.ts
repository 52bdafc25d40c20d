// The people who own agents.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `plan` refers to nothing: a plan that is not in the table is a plan that allows nothing.
  // `agent_count` is how many agents the user has; whoever inserts or deletes an agent changes it in the same
  // transaction. Counting rows instead exceeds the limit under load.
  // Milliseconds everywhere: that is what a JavaScript Date can give back unchanged, and cursors must compare equal.
  await sql`
    CREATE TABLE users (
      id uuid PRIMARY KEY,
      email text NOT NULL,
      username text NOT NULL,
      plan text NOT NULL,
      subscription_active boolean NOT NULL DEFAULT false,
      admin boolean NOT NULL DEFAULT false,
      mfa_enrolled boolean NOT NULL DEFAULT false,
      agent_count integer NOT NULL DEFAULT 0 CHECK (agent_count >= 0),
      created_at timestamptz(3) NOT NULL DEFAULT now()
    )`.execute(db);
  await sql`CREATE UNIQUE INDEX users_email_key ON users (lower(email))`.execute(db);
}
