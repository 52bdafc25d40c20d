// A token's row as the domain's Token, and its user's where both were read together (a share's, too); the hash stays behind.

import type { Selectable } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import type { Token } from "../../domain/access/token.ts";
import type { ApiTokenTable } from "./schema.ts";
import { toUser, type UserRow } from "./user-rows.ts";

export type TokenRow = Selectable<ApiTokenTable>;

export function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    createdAt: row.created_at,
    ...(row.agent_id !== null && { agentId: row.agent_id }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
  };
}

/** The user's columns beside the token's or share's, under names of their own. */
export const USER_OF_TOKEN = [
  "users.email as user_email",
  "users.username as user_username",
  "users.plan as user_plan",
  "users.subscription_active as user_subscription_active",
  "users.admin as user_admin",
  "users.mfa_enrolled as user_mfa_enrolled",
  "users.created_at as user_created_at",
] as const;

type Column = "email" | "username" | "plan" | "subscription_active" | "admin" | "mfa_enrolled" | "created_at";

export function userOfToken(
  row: Pick<TokenRow, "user_id"> & { [Name in Column as `user_${Name}`]: UserRow[Name] },
): User {
  return toUser({
    id: row.user_id,
    email: row.user_email,
    username: row.user_username,
    plan: row.user_plan,
    subscription_active: row.user_subscription_active,
    admin: row.user_admin,
    mfa_enrolled: row.user_mfa_enrolled,
    created_at: row.user_created_at,
  });
}
