// Creates an API token; the same request again gives the token it made a fresh secret.

import type { Transaction } from "kysely";
import type { NewToken, Token } from "../../domain/access/token.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import type { Schema } from "./schema.ts";
import { toToken } from "./token-rows.ts";

interface Created {
  token: Token;
  replacedHash?: string;
}

/** Each further attempt finds what stood in the way of the one before, unless that was removed meanwhile. */
const MAX_ATTEMPTS = 3;

export async function createToken(database: Database, token: NewToken, audit: AuditRecord): Promise<Created> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transaction(async (trx) => {
        const replaced = await replaceSecret(trx, token, audit);
        return replaced ?? (await insertToken(trx, token, audit));
      });
    } catch (error) {
      const constraint = violatedConstraint(error);
      if (constraint === "api_tokens_user_id_fkey") throw new DomainError("TOKEN_INVALID", {}, { cause: error });
      if (constraint === "api_tokens_agent_id_fkey") throw new DomainError("AGENT_NOT_FOUND", {}, { cause: error });
      // The same request runs twice at this moment, and the other was first: now there is a token to replace.
      if (constraint !== "api_tokens_user_id_request_id_key" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Only the secret changes: a token that was revoked meanwhile stays revoked. */
async function replaceSecret(
  trx: Transaction<Schema>,
  token: NewToken,
  audit: AuditRecord,
): Promise<Created | undefined> {
  if (token.requestId === undefined) return undefined;
  const known = await trx
    .selectFrom("api_tokens")
    .select(["id", "hash"])
    .where("user_id", "=", token.userId)
    .where("request_id", "=", token.requestId)
    .forUpdate()
    .executeTakeFirst();
  if (known === undefined) return undefined;
  const row = await trx
    .updateTable("api_tokens")
    .set({ hash: token.hash, prefix: token.prefix })
    .where("id", "=", known.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendAudit(trx, { ...audit, subject: `token:${known.id}`, detail: { ...audit.detail, repeated: "true" } });
  return { token: toToken(row), replacedHash: known.hash };
}

async function insertToken(trx: Transaction<Schema>, token: NewToken, audit: AuditRecord): Promise<Created> {
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
  return { token: toToken(row) };
}
