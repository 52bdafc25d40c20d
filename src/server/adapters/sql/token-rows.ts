// A token's row as the domain's Token; the hash stays behind.

import type { Selectable } from "kysely";
import type { Token } from "../../domain/access/token.ts";
import type { ApiTokenTable } from "./schema.ts";

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
