// What admins need to keep accounts: retries that create nobody twice, and lists in each of their orders.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  // `search` is email and username folded by the server, as agents.name_search is.
  await sql`
    ALTER TABLE users
      ADD COLUMN request_id text CONSTRAINT users_request_id_key UNIQUE,
      ADD COLUMN search text COLLATE "C" NOT NULL DEFAULT ''`.execute(db);
  const { rows } = await sql<{ id: string; email: string; username: string }>`
    SELECT id, email, username FROM users`.execute(db);
  for (const { id, email, username } of rows) {
    // Written out, not taken from the store: a migration must do tomorrow what it did today.
    const search = `${email}\n${username}`.normalize("NFKC").toLowerCase();
    await sql`UPDATE users SET search = ${search} WHERE id = ${id}`.execute(db);
  }
  await sql`CREATE INDEX users_email_idx ON users ((email COLLATE "C"), id)`.execute(db);
  await sql`CREATE INDEX users_created_idx ON users (created_at, id)`.execute(db);
  await sql`CREATE INDEX users_agent_count_idx ON users (agent_count, id)`.execute(db);
  // Whoever deletes or demotes an admin locks all of them.
  await sql`CREATE INDEX users_admin_idx ON users (id) WHERE admin`.execute(db);
}
