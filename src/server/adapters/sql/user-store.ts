// Users, by id and by email in any case.

import { type Kysely, sql } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import type { UserStore } from "../../domain/access/token.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";
import { storableText } from "./text.ts";
import { toUser, type UserRow, userSearch } from "./user-rows.ts";

export function createUserStore(database: Database): UserStore {
  return {
    get: (id) =>
      database.run(async (db) => {
        const row = await db.selectFrom("users").selectAll().where("id", "=", id).executeTakeFirst();
        return row === undefined ? undefined : toUser(row);
      }),

    ensure: (given) =>
      database.run(async (db) => {
        // Field by field: a caller's object may hold more than its type says.
        const { id, plan, admin } = given;
        const [email, username] = [storableText(given.email), storableText(given.username)];
        const user = { id, plan, admin, email, username, search: userSearch({ email, username }) };
        const created = await db
          .insertInto("users")
          .values(user)
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        const row = created ?? (await findExisting(db, user));
        // Only where somebody deletes the user between the two statements.
        if (row === undefined) throw new Error("a user that stood in the way is gone");
        return toUser(row);
      }),
  };
}

/** The email says who it is; failing that (the user has another one by now), the id. */
async function findExisting(db: Kysely<Schema>, user: Pick<User, "id" | "email">): Promise<UserRow | undefined> {
  const rows = await db
    .selectFrom("users")
    .selectAll()
    .where((where) => where.or([where(sql`lower(email)`, "=", sql`lower(${user.email})`), where("id", "=", user.id)]))
    .execute();
  return rows.find((row) => row.id !== user.id) ?? rows[0];
}
