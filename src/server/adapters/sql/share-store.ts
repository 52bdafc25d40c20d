// Shares: look-up by hash, creation that a retry repeats without harm, revocation, lists. They are read with their end as
// it is at that moment (the view shares_now).

import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Selectable,
  type SqlBool,
  sql,
  type Transaction,
} from "kysely";
import { DomainError, invalidField } from "../../domain/domain-error.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { MAX_LIVE_SHARES, type Share } from "../../domain/shares/share.ts";
import type { NewShare, ShareFilter, ShareOrder, ShareStore, ShareWithUser } from "../../domain/shares/share-store.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import { listRows } from "./list-rows.ts";
import { type OrderColumn, timeCursor } from "./paging.ts";
import { lockUser } from "./register-agent.ts";
import type { Schema, ShareNowView } from "./schema.ts";
import { USER_OF_TOKEN, userOfToken } from "./token-rows.ts";

type ShareRow = Selectable<ShareNowView>;

const ORDERS: Readonly<Record<ShareOrder, OrderColumn<ShareRow>>> = {
  created_at: { expression: sql`created_at`, type: "time", cursorValue: (row) => timeCursor(row.created_at) },
};

export function createShareStore(database: Database): ShareStore {
  return {
    findByHash: (hash) => database.run((db) => findByHash(db, hash)),

    list: (query) => listRows(database, { table: "shares_now", query, orders: ORDERS, matches }, toShare),

    get: (id) =>
      database.run(async (db) => {
        const row = await db.selectFrom("shares_now").selectAll().where("id", "=", id).executeTakeFirst();
        return row === undefined ? undefined : toShare(row);
      }),

    async create(share, audit) {
      try {
        return await database.transaction((trx) => create(trx, share, audit));
      } catch (error) {
        if (violatedConstraint(error) !== "shares_agent_id_fkey") throw error;
        throw new DomainError("AGENT_NOT_FOUND", {}, { cause: error });
      }
    },

    revoke: (id, at, audit) =>
      database.transaction(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable("shares")
          .set({ revoked_at: at })
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) await appendAudit(trx, audit);
        return numUpdatedRows === 1n;
      }),

    noteOpened: (id, at, audit) =>
      database.transaction(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable("shares")
          .set((column) => ({ opened: column("opened", "+", 1), last_opened_at: at }))
          .where("id", "=", id)
          .where("revoked_at", "is", null)
          .executeTakeFirst();
        if (numUpdatedRows === 1n && audit !== undefined) await appendAudit(trx, audit);
        return numUpdatedRows === 1n;
      }),
  };
}

async function findByHash(
  db: Parameters<Parameters<Database["run"]>[0]>[0],
  hash: string,
): Promise<ShareWithUser | undefined> {
  const row = await db
    .selectFrom("shares_now")
    .innerJoin("users", "users.id", "shares_now.user_id")
    .selectAll("shares_now")
    .select(USER_OF_TOKEN)
    .where("hash", "=", hash)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const user = userOfToken(row);
  return { ...toShare(row), user, ...(row.token_hash !== null && { tokenHash: row.token_hash }) };
}

/** Those of one user take turns on the user's row: each sees the shares that the turn before has made. */
async function create(trx: Transaction<Schema>, share: NewShare, audit: AuditRecord): ReturnType<ShareStore["create"]> {
  await lockUser(trx, share.userId);
  const repeated = await replaceSecret(trx, share, audit);
  if (repeated !== undefined) return { share: repeated, outcome: "repeated" };
  const live = await countLive(trx, share, audit.at);
  if (live >= MAX_LIVE_SHARES) {
    throw new DomainError("SHARE_LIMIT_REACHED", { quota: { limit: MAX_LIVE_SHARES, used: live } });
  }
  await trx
    .insertInto("shares")
    .values({
      id: share.id,
      user_id: share.userId,
      agent_id: share.agentId,
      session_id: share.sessionId,
      session_started_at: share.sessionStartedAt,
      access: share.access,
      max_viewers: share.maxViewers,
      hash: share.hash,
      token_hash: share.tokenHash ?? null,
      request_id: share.requestId ?? null,
      created_at: audit.at,
      expires_at: share.expiresAt,
    })
    .execute();
  await appendAudit(trx, audit);
  return { share: await readOwn(trx, share.id), outcome: "created" };
}

/** Only the secret changes: a share that was revoked meanwhile stays revoked. */
async function replaceSecret(
  trx: Transaction<Schema>,
  share: NewShare,
  audit: AuditRecord,
): Promise<Share | undefined> {
  if (share.requestId === undefined) return undefined;
  const known = await trx
    .selectFrom("shares")
    .selectAll()
    .where("user_id", "=", share.userId)
    .where("request_id", "=", share.requestId)
    .executeTakeFirst();
  if (known === undefined) return undefined;
  // The caller was judged by what it asks for now, with the credential that it has: the secret of a share that gives more,
  // or for longer, is not to be had for its request id.
  const isSame =
    known.agent_id === share.agentId &&
    known.session_id === share.sessionId &&
    known.session_started_at.getTime() === share.sessionStartedAt.getTime() &&
    known.access === share.access &&
    known.token_hash === (share.tokenHash ?? null) &&
    known.max_viewers === share.maxViewers;
  if (!isSame) throw invalidField("request_id", "is that of another share");
  await trx.updateTable("shares").set({ hash: share.hash }).where("id", "=", known.id).execute();
  await appendAudit(trx, { ...audit, subject: `share:${known.id}`, detail: { ...audit.detail, repeated: "true" } });
  return readOwn(trx, known.id);
}

async function readOwn(trx: Transaction<Schema>, id: Share["id"]): Promise<Share> {
  return toShare(await trx.selectFrom("shares_now").selectAll().where("id", "=", id).executeTakeFirstOrThrow());
}

async function countLive(trx: Transaction<Schema>, { userId }: NewShare, at: Date): Promise<number> {
  const { live } = await trx
    .selectFrom("shares_now")
    .select((select) => select.fn.countAll<number>().as("live"))
    .where((where) => matches(where, { userId, live: { is: true, at } }))
    .executeTakeFirstOrThrow();
  return Number(live);
}

function matches(
  where: ExpressionBuilder<Schema, "shares_now">,
  filter: ShareFilter,
): ExpressionWrapper<Schema, "shares_now", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "shares_now", SqlBool>[];
  if (filter.userId !== undefined) terms.push(where("user_id", "=", filter.userId));
  if (filter.agentId !== undefined) terms.push(where("agent_id", "=", filter.agentId));
  if (filter.sessionId !== undefined) terms.push(where("session_id", "=", filter.sessionId));
  if (filter.live !== undefined) {
    const isLive = where.and([where("is_revoked", "=", false), where("ends_at", ">", filter.live.at)]);
    terms.push(filter.live.is ? isLive : where.not(isLive));
  }
  return where.and(terms);
}

function toShare(row: ShareRow): Share {
  return {
    id: row.id,
    userId: row.user_id,
    agentId: row.agent_id,
    sessionId: row.session_id,
    sessionStartedAt: row.session_started_at,
    access: row.access,
    maxViewers: row.max_viewers,
    createdAt: row.created_at,
    endsAt: row.ends_at,
    isRevoked: row.is_revoked,
    opened: row.opened,
    ...(row.last_opened_at !== null && { lastOpenedAt: row.last_opened_at }),
  };
}
