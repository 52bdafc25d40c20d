// API tokens: look-up by hash, creation that a retry repeats without harm, revocation, lists.

import { type ExpressionBuilder, type ExpressionWrapper, type Selectable, type SqlBool, sql } from "kysely";
import type { TokenId } from "../../../protocol/ids.ts";
import type { Token, TokenFilter, TokenOrder, TokenStore, TokenWithUser } from "../../domain/access/token.ts";
import type { Page, PageQuery } from "../../domain/page.ts";
import { appendAudit } from "./audit-log.ts";
import { batchWhileBusy } from "./batch-while-busy.ts";
import { createToken } from "./create-token.ts";
import type { Database } from "./database.ts";
import { listRows } from "./list-rows.ts";
import { NEVER, type OrderColumn, timeCursor } from "./paging.ts";
import type { ApiTokenTable, Schema } from "./schema.ts";
import { toToken, USER_OF_TOKEN, userOfToken } from "./token-rows.ts";

const ORDERS: Readonly<Record<TokenOrder, OrderColumn<Selectable<ApiTokenTable>>>> = {
  name: { expression: sql`name`, type: "text", cursorValue: (row) => row.name },
  created_at: { expression: sql`created_at`, type: "time", cursorValue: (row) => timeCursor(row.created_at) },
  last_used_at: {
    expression: sql`coalesce(last_used_at, ${NEVER})`,
    type: "time",
    cursorValue: (row) => timeCursor(row.last_used_at),
  },
};

export function createTokenStore(database: Database): TokenStore {
  return {
    create: (token, audit) => createToken(database, token, audit),
    list: (query) => listTokens(database, query),
    markUsed: (used) => markUsed(database, used),

    findByHash: batchWhileBusy({ run: (hashes) => findByHashes(database, hashes) }),

    get: (id) =>
      database.run(async (db) => {
        const row = await db.selectFrom("api_tokens").selectAll().where("id", "=", id).executeTakeFirst();
        return row === undefined ? undefined : toToken(row);
      }),

    revoke: (id, at, audit) =>
      database.transaction(async (trx) => {
        const revoked = await trx
          .updateTable("api_tokens")
          .set({ revoked_at: at })
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .returning("hash")
          .executeTakeFirst();
        if (revoked !== undefined) await appendAudit(trx, audit);
        return revoked;
      }),
  };
}

function findByHashes(database: Database, hashes: readonly string[]): Promise<readonly (TokenWithUser | undefined)[]> {
  return database.run(async (db) => {
    const rows = await db
      .selectFrom("api_tokens")
      .innerJoin("users", "users.id", "api_tokens.user_id")
      .selectAll("api_tokens")
      .select(USER_OF_TOKEN)
      .where(sql<SqlBool>`hash = ANY(${[...hashes]}::text[])`)
      .execute();
    const found = new Map(rows.map((row) => [row.hash, { ...toToken(row), user: userOfToken(row) }]));
    return hashes.map((hash) => found.get(hash));
  });
}

function listTokens(database: Database, query: PageQuery<TokenFilter, TokenOrder>): Promise<Page<Token>> {
  return listRows(database, { table: "api_tokens", query, orders: ORDERS, matches }, toToken);
}

function matches(
  where: ExpressionBuilder<Schema, "api_tokens">,
  filter: TokenFilter,
): ExpressionWrapper<Schema, "api_tokens", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "api_tokens", SqlBool>[];
  if (filter.userId !== undefined) terms.push(where("user_id", "=", filter.userId));
  if (filter.agentId !== undefined) terms.push(where("agent_id", "=", filter.agentId));
  if (filter.scope !== undefined) terms.push(where(sql`${filter.scope}::text`, "=", sql`any (scopes)`));
  if (filter.revoked !== undefined) terms.push(where("revoked_at", filter.revoked ? "is not" : "is", null));
  return where.and(terms);
}

async function markUsed(database: Database, used: readonly { id: TokenId; at: Date }[]): Promise<void> {
  const latest = [...new Map(used.map((one) => [one.id, one])).values()];
  if (latest.length === 0) return;
  await database.run((db) =>
    // The rows are locked in the order of their ids, so that two batches never wait for each other.
    sql`
      WITH used AS (
        SELECT * FROM unnest(
          ${latest.map((one) => one.id)}::uuid[], ${latest.map((one) => one.at.toISOString())}::timestamptz[]
        ) AS given (id, at)
      ), locked AS (
        SELECT api_tokens.id FROM api_tokens JOIN used USING (id) ORDER BY api_tokens.id FOR NO KEY UPDATE OF api_tokens
      )
      UPDATE api_tokens
      SET last_used_at = greatest(api_tokens.last_used_at, used.at)
      FROM used JOIN locked USING (id)
      WHERE api_tokens.id = used.id`.execute(db),
  );
}
