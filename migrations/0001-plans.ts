// Plans and their numbers; an operator may change the rows afterwards.

import { type Kysely, sql } from "kysely";

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE plans (
      name text PRIMARY KEY,
      max_agents integer NOT NULL CHECK (max_agents >= 0),
      max_terminal_agents integer NOT NULL CHECK (max_terminal_agents >= 0)
    )`.execute(db);
  // Written out, not taken from DEFAULT_PLANS: a migration must do tomorrow what it did today.
  await sql`
    INSERT INTO plans (name, max_agents, max_terminal_agents)
    VALUES ('guest', 0, 0), ('free', 5, 5), ('pro', 10, 10), ('enterprise', 25, 25)`.execute(db);
}
