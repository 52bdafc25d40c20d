// Accounts as admins keep them: creation that a retry repeats without harm, changes, deletion. There is always an admin.

import type { Transaction } from "kysely";
import type { UserId } from "../../../protocol/ids.ts";
import type { User } from "../../domain/access/identity.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import type {
  CreateUserResult,
  DeletedUser,
  NewUser,
  UserAccounts,
  UserChanges,
} from "../../domain/users/user-accounts.ts";
import { appendAudit, appendAudits } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import type { Schema } from "./schema.ts";
import { listUsers } from "./user-list.ts";
import { toUser, userSearch } from "./user-rows.ts";

const EMAIL_KEY = "users_email_key";
const REQUEST_KEY = "users_request_id_key";
/** Each further attempt finds whom the one before collided with, unless they were deleted meanwhile. */
const MAX_ATTEMPTS = 3;

export function createUserAccounts(database: Database): UserAccounts {
  return {
    create: (user, audit) => createUser(database, user, audit),
    list: (query) => listUsers(database, query),
    update: (id, changes, audit) => updateUser(database, { id, changes, audit }),
    delete: (id, audit) => database.transaction((trx) => deleteUser(trx, id, audit)),
  };
}

async function createUser(database: Database, user: NewUser, audit: AuditRecord): Promise<CreateUserResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.transaction(async (trx) => {
        const known = await findByRequestId(trx, user);
        if (known !== undefined) return { outcome: "repeated", user: known };
        return { outcome: "created", user: await insertUser(trx, user, audit) };
      });
    } catch (error) {
      const constraint = violatedConstraint(error);
      // Where the same request runs twice at this moment, the email's constraint may speak before the request id's.
      const isRepeatable = constraint === REQUEST_KEY || (constraint === EMAIL_KEY && user.requestId !== undefined);
      if (isRepeatable && attempt < MAX_ATTEMPTS) continue;
      if (constraint === EMAIL_KEY) return { outcome: "email_taken" };
      throw error;
    }
  }
}

async function findByRequestId(trx: Transaction<Schema>, user: NewUser): Promise<User | undefined> {
  if (user.requestId === undefined) return undefined;
  const row = await trx.selectFrom("users").selectAll().where("request_id", "=", user.requestId).executeTakeFirst();
  return row === undefined ? undefined : toUser(row);
}

async function insertUser(trx: Transaction<Schema>, user: NewUser, audit: AuditRecord): Promise<User> {
  const { id, email, username, plan, admin } = user;
  const row = await trx
    .insertInto("users")
    .values({
      id,
      email,
      username,
      plan,
      admin,
      subscription_active: user.subscriptionActive,
      search: userSearch({ email, username }),
      request_id: user.requestId ?? null,
      created_at: audit.at,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await appendAudit(trx, audit);
  return toUser(row);
}

async function updateUser(
  database: Database,
  { id, changes, audit }: { id: UserId; changes: UserChanges; audit: AuditRecord },
): Promise<User | "email_taken" | "last_admin" | undefined> {
  const { email, username, plan, subscriptionActive, admin } = changes;
  try {
    return await database.transaction(async (trx) => {
      if (admin === false && (await isLastAdmin(trx, id))) return "last_admin";
      const old = await trx.selectFrom("users").selectAll().where("id", "=", id).forNoKeyUpdate().executeTakeFirst();
      if (old === undefined) return undefined;
      const row = await trx
        .updateTable("users")
        .set({
          ...(email !== undefined && { email }),
          ...(username !== undefined && { username }),
          ...(plan !== undefined && { plan }),
          ...(subscriptionActive !== undefined && { subscription_active: subscriptionActive }),
          ...(admin !== undefined && { admin }),
          search: userSearch({ email: email ?? old.email, username: username ?? old.username }),
        })
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirstOrThrow();
      await appendAudit(trx, audit);
      return toUser(row);
    });
  } catch (error) {
    if (violatedConstraint(error) === EMAIL_KEY) return "email_taken";
    throw error;
  }
}

/** Locks in the order that every other change does: the user, agents, tokens, the latter by id. */
async function deleteUser(
  trx: Transaction<Schema>,
  id: UserId,
  audit: AuditRecord,
): Promise<DeletedUser | "last_admin" | undefined> {
  if (await isLastAdmin(trx, id)) return "last_admin";
  // FOR UPDATE waits for tokens and agents that are being made for this user: they must be among those that go.
  const user = await trx.selectFrom("users").select("id").where("id", "=", id).forUpdate().executeTakeFirst();
  if (user === undefined) return undefined;
  const agents = await trx
    .selectFrom("agents")
    .select(["id", "name"])
    .where("user_id", "=", id)
    .orderBy("id")
    .forUpdate()
    .execute();
  const tokens = await trx
    .selectFrom("api_tokens")
    .select(["id", "hash", "name", "revoked_at"])
    .where("user_id", "=", id)
    .orderBy("id")
    .forUpdate()
    .execute();
  // Agents and tokens go with their user.
  await trx.deleteFrom("users").where("id", "=", id).execute();
  const went = (type: string, subject: string, name: string) => ({ ...audit, type, subject, detail: { name } });
  await appendAudits(trx, [
    ...tokens
      .filter(({ revoked_at }) => revoked_at === null)
      .map((token) => went("token.revoked", `token:${token.id}`, token.name)),
    ...agents.map((agent) => went("agent.deleted", `agent:${agent.id}`, agent.name)),
    audit,
  ]);
  return { agentIds: agents.map((agent) => agent.id), tokenHashes: tokens.map((token) => token.hash) };
}

/**
 * Whether this user is the one admin there is. Locks all admins, always in the same order and in a statement of its own:
 * of those who would take each other's rights at once, each sees what the one before has left.
 */
async function isLastAdmin(trx: Transaction<Schema>, id: UserId): Promise<boolean> {
  const admins = await trx
    .selectFrom("users")
    .select("id")
    .where("admin", "=", true)
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
  return admins.length === 1 && admins[0]?.id === id;
}
