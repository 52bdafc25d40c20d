// An enrolment code's row as the domain's EnrollmentCode, and which rows still are codes; the hash stays behind.

import { type Selectable, type SqlBool, sql } from "kysely";
import type { EnrollmentCode } from "../../domain/agents/enrollment-codes.ts";
import type { EnrollmentCodeTable } from "./schema.ts";

export type EnrollmentCodeRow = Selectable<EnrollmentCodeTable>;

/** By the database's clock, which all instances have in common: a code lives for minutes. */
export const IS_LIVE = sql<SqlBool>`(
  enrollment_codes.expires_at > now() AND NOT EXISTS (
    SELECT 1 FROM api_tokens
    WHERE api_tokens.id = enrollment_codes.token_id
      AND (api_tokens.revoked_at IS NOT NULL OR api_tokens.expires_at <= now())
  )
)`;

export function toEnrollmentCode(row: EnrollmentCodeRow): EnrollmentCode {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    tags: row.tags,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.used_at !== null && row.agent_id !== null && { used: { at: row.used_at, agentId: row.agent_id } }),
  };
}
