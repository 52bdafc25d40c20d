// A user's row and the domain's User.

import type { Selectable } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import type { UserTable } from "./schema.ts";
import { searchText } from "./text.ts";

export type UserRow = Selectable<UserTable>;

/** What the domain knows of it. */
type ToldColumns = Omit<UserRow, "agent_count" | "request_id" | "search">;

export function toUser(row: ToldColumns): User {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    plan: row.plan,
    subscriptionActive: row.subscription_active,
    admin: row.admin,
    mfaEnrolled: row.mfa_enrolled,
    createdAt: row.created_at,
  };
}

/** What a list looks for text in. No term that is looked for holds a line break, so none matches across it. */
export function userSearch({ email, username }: { email: string; username: string }): string {
  return searchText(`${email}\n${username}`);
}
