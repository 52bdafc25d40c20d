// Looks up what many open sockets rest on: their tokens, users, agents and shares, in one statement for a thousand of them.

import { sql } from "kysely";
import type { AccessReview, EndedAccess, HeldAccess, ReviewedAccess } from "../../domain/access/access-review.ts";
import type { Database } from "./database.ts";

const MAX_AT_ONCE = 1_000;

interface Row {
  ended: EndedAccess | null;
  expires_at: Date | null;
}

export function createAccessReview(database: Database): AccessReview {
  async function reviewBatch(held: readonly HeldAccess[], now: Date): Promise<ReviewedAccess[]> {
    const result = await database.run((db) =>
      sql<Row>`
        SELECT CASE
          WHEN users.id IS NULL THEN 'TOKEN_INVALID'
          WHEN held.hash <> '' AND api_tokens.id IS NULL THEN 'TOKEN_INVALID'
          WHEN held.share_id IS NOT NULL AND shares_now.id IS NULL THEN 'SHARE_ENDED'
          WHEN agents.id IS NULL THEN 'AGENT_NOT_FOUND'
          WHEN agents.user_id <> held.user_id AND NOT users.admin THEN 'NOT_AUTHORIZED'
        END AS ended, least(api_tokens.expires_at, shares_now.ends_at) AS expires_at
        FROM unnest(
          ${held.map((_, index) => index)}::int[],
          ${held.map(({ tokenHash }) => tokenHash ?? "")}::text[],
          ${held.map(({ userId }) => userId)}::uuid[],
          ${held.map(({ agentId }) => agentId)}::uuid[],
          ${held.map(({ shareId }) => shareId ?? null)}::uuid[]
        ) AS held (n, hash, user_id, agent_id, share_id)
        LEFT JOIN users ON users.id = held.user_id
        LEFT JOIN agents ON agents.id = held.agent_id
        LEFT JOIN api_tokens ON api_tokens.hash = held.hash
          AND api_tokens.revoked_at IS NULL
          AND (api_tokens.expires_at IS NULL OR api_tokens.expires_at > ${now.toISOString()}::timestamptz)
        LEFT JOIN shares_now ON shares_now.id = held.share_id
          AND NOT shares_now.is_revoked AND shares_now.ends_at > ${now.toISOString()}::timestamptz
        ORDER BY held.n`.execute(db),
    );
    return result.rows.map(({ ended, expires_at: expiresAt }) => ({
      ended: ended ?? undefined,
      tokenExpiresAt: expiresAt ?? undefined,
    }));
  }

  return {
    async review(held, now) {
      const answers: ReviewedAccess[] = [];
      for (let at = 0; at < held.length; at += MAX_AT_ONCE) {
        answers.push(...(await reviewBatch(held.slice(at, at + MAX_AT_ONCE), now)));
      }
      return answers;
    },
  };
}
