// Creates an API token, in place of another if so asked; the same request again gives the token it made a fresh secret.

import type { Transaction } from "kysely";
import type { CreatedToken, NewToken, ReplacedToken, Token } from "../../domain/access/token.ts";
import { DomainError, invalidField } from "../../domain/domain-error.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import { lockUser } from "./register-agent.ts";
import type { Schema } from "./schema.ts";
import { toToken, type TokenRow } from "./token-rows.ts";

/** Each further attempt finds what stood in the way of the one before, unless that was removed meanwhile. */
const MAX_ATTEMPTS = 3;

export async function createToken(database: Database, token: NewToken, audit: AuditRecord): Promise<CreatedToken> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transaction((trx) => create(trx, token, audit));
    } catch (error) {
      const constraint = violatedConstraint(error);
      if (constraint === "api_tokens_user_id_fkey") throw new DomainError("TOKEN_INVALID", {}, { cause: error });
      if (constraint === "api_tokens_agent_id_fkey") throw new DomainError("AGENT_NOT_FOUND", {}, { cause: error });
      // The same request runs twice at this moment, and the other was first: now there is a token to replace.
      if (constraint !== "api_tokens_user_id_request_id_key" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function create(trx: Transaction<Schema>, token: NewToken, audit: AuditRecord): Promise<CreatedToken> {
  // In the order in which a deletion locks: the user, then tokens.
  if (token.replaces !== undefined) await lockUser(trx, token.userId);
  // Those who replace one token take turns on its row, and then see whether their own request has been there before.
  const old = token.replaces && (await lockReplaced(trx, token.replaces));
  const repeated = await replaceSecret(trx, token, audit);
  if (repeated !== undefined) return repeated;
  const ended = token.replaces && old && (await endReplaced(trx, { old, token, replaces: token.replaces, audit }));
  return { token: await insertToken(trx, token, audit), ...(ended === undefined ? {} : { ended }) };
}

async function lockReplaced(trx: Transaction<Schema>, { id }: ReplacedToken): Promise<TokenRow> {
  const row = await trx.selectFrom("api_tokens").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
  if (row === undefined) throw new DomainError("TOKEN_NOT_FOUND");
  return row;
}

async function endReplaced(
  trx: Transaction<Schema>,
  input: { old: TokenRow; token: NewToken; replaces: ReplacedToken; audit: AuditRecord },
): Promise<CreatedToken["ended"]> {
  const { old, token, audit } = input;
  const { id, until } = input.replaces;
  if (old.revoked_at !== null || (old.expires_at !== null && old.expires_at <= audit.at)) {
    throw invalidField("replaces_token_id", "is of a token that has ended");
  }
  const expiresAt = until !== undefined && old.expires_at !== null && old.expires_at < until ? old.expires_at : until;
  await trx
    .updateTable("api_tokens")
    .set(expiresAt === undefined ? { revoked_at: audit.at } : { expires_at: expiresAt })
    .where("id", "=", id)
    .execute();
  const detail = { by: token.id, ...(expiresAt === undefined ? {} : { expires_at: expiresAt.toISOString() }) };
  await appendAudit(trx, { ...audit, type: "token.replaced", subject: `token:${id}`, detail });
  return { hash: old.hash, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

/** Only the secret changes: a token that was revoked meanwhile stays revoked. */
async function replaceSecret(
  trx: Transaction<Schema>,
  token: NewToken,
  audit: AuditRecord,
): Promise<CreatedToken | undefined> {
  if (token.requestId === undefined) return undefined;
  const known = await trx
    .selectFrom("api_tokens")
    .select(["id", "hash", "scopes", "agent_id"])
    .where("user_id", "=", token.userId)
    .where("request_id", "=", token.requestId)
    .forUpdate()
    .executeTakeFirst();
  if (known === undefined) return undefined;
  // The caller was judged by what it asks for now: a stronger token's secret is not to be had for its request id.
  const isSame = known.agent_id === (token.agentId ?? null) && isSameSet(known.scopes, token.scopes);
  if (!isSame) throw invalidField("request_id", "is that of another token");
  const row = await trx
    .updateTable("api_tokens")
    .set({ hash: token.hash, prefix: token.prefix })
    .where("id", "=", known.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendAudit(trx, { ...audit, subject: `token:${known.id}`, detail: { ...audit.detail, repeated: "true" } });
  return { token: toToken(row), replacedHash: known.hash };
}

async function insertToken(trx: Transaction<Schema>, token: NewToken, audit: AuditRecord): Promise<Token> {
  const row = await trx
    .insertInto("api_tokens")
    .values({
      id: token.id,
      user_id: token.userId,
      agent_id: token.agentId ?? null,
      origin: "created",
      name: token.name,
      hash: token.hash,
      prefix: token.prefix,
      scopes: [...token.scopes],
      request_id: token.requestId ?? null,
      created_at: audit.at,
      expires_at: token.expiresAt ?? null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendAudit(trx, audit);
  return toToken(row);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
