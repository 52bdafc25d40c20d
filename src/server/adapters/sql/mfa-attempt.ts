// One code from its arrival to its effect, in one transaction: counted exactly, used once.

import type { Selectable, Transaction } from "kysely";
import type { AgentId, UserId } from "../../../protocol/ids.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { Attempt, AttemptResult, Claim } from "../../domain/mfa/mfa.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import { lockUser } from "./register-agent.ts";
import type { Schema, UserMfaTable } from "./schema.ts";
import { storableText } from "./text.ts";

type Transact = Transaction<Schema>;

export async function attemptCode(database: Database, attempt: Attempt): Promise<AttemptResult> {
  try {
    return await database.transaction((trx) => runAttempt(trx, attempt));
  } catch (error) {
    if (violatedConstraint(error) === "mfa_grants_agent_id_fkey") {
      throw new DomainError("AGENT_NOT_FOUND", {}, { cause: error });
    }
    throw error;
  }
}

async function runAttempt(trx: Transact, attempt: Attempt): Promise<AttemptResult> {
  const { userId, at, effect, audit } = attempt;
  // One user's attempts take turns here, on every instance.
  await lockUser(trx, userId);
  const mfa = await trx.selectFrom("user_mfa").selectAll().where("user_id", "=", userId).executeTakeFirst();
  if (mfa === undefined) return { outcome: "not_enrolled" };
  if (effect.kind === "enroll" && mfa.confirmed_at !== null) return { outcome: "already_enrolled" };
  if (effect.kind !== "enroll" && mfa.confirmed_at === null) return { outcome: "not_enrolled" };
  if (mfa.locked_until !== null && mfa.locked_until > at) return { outcome: "locked_out", until: mfa.locked_until };
  const claim = attempt.judge(mfa.secret);
  if (!(await useUp(trx, { userId, at, claim }))) return countFailure(trx, attempt, mfa);
  await trx
    .updateTable("user_mfa")
    .set({ failed_attempts: 0, locked_until: null })
    .where("user_id", "=", userId)
    .execute();
  await appendAudit(trx, audit.proved);
  return { outcome: "proved", unlocked: await perform(trx, attempt) };
}

/** False where the code is wrong, or was used before: the condition stands in the UPDATE. */
async function useUp(trx: Transact, input: { userId: UserId; at: Date; claim: Claim }): Promise<boolean> {
  const { userId, at, claim } = input;
  switch (claim.kind) {
    case "wrong":
      return false;
    case "step": {
      const used = await trx
        .updateTable("user_mfa")
        .set({ last_step: claim.step, ...(claim.resealed !== undefined && { secret: claim.resealed }) })
        .where("user_id", "=", userId)
        .where((where) => where.or([where("last_step", "is", null), where("last_step", "<", claim.step)]))
        .executeTakeFirst();
      return used.numUpdatedRows === 1n;
    }
    case "recovery": {
      const used = await trx
        .updateTable("mfa_recovery_codes")
        .set({ used_at: at })
        .where("user_id", "=", userId)
        .where("hash", "=", claim.hash)
        .where("used_at", "is", null)
        .executeTakeFirst();
      return used.numUpdatedRows === 1n;
    }
    default:
      return claim satisfies never;
  }
}

/** The transaction commits: a wrong code that were not counted could be tried for ever. */
async function countFailure(
  trx: Transact,
  { userId, at, policy, audit }: Attempt,
  mfa: Selectable<UserMfaTable>,
): Promise<AttemptResult> {
  const failed = mfa.failed_attempts + 1;
  const isLast = failed >= policy.maxAttempts;
  const lockedUntil = isLast ? new Date(at.getTime() + policy.lockoutMs) : undefined;
  await trx
    .updateTable("user_mfa")
    .set({ failed_attempts: isLast ? 0 : failed, locked_until: lockedUntil ?? null })
    .where("user_id", "=", userId)
    .execute();
  await appendAudit(trx, audit.failed);
  if (lockedUntil === undefined) return { outcome: "wrong" };
  await appendAudit(trx, audit.lockedOut);
  return { outcome: "wrong", lockedUntil };
}

async function perform(trx: Transact, { userId, at, effect }: Attempt): Promise<AgentId[]> {
  switch (effect.kind) {
    case "enroll":
      await trx.updateTable("user_mfa").set({ confirmed_at: at }).where("user_id", "=", userId).execute();
      await trx.updateTable("users").set({ mfa_enrolled: true }).where("id", "=", userId).execute();
      return [];
    case "disable": {
      // Recovery codes go with it.
      await trx.deleteFrom("user_mfa").where("user_id", "=", userId).execute();
      await trx.deleteFrom("mfa_grants").where("user_id", "=", userId).execute();
      await trx.updateTable("users").set({ mfa_enrolled: false }).where("id", "=", userId).execute();
      await lockAgents(trx, userId);
      const rows = await unlock(trx).where("user_id", "=", userId).returning("id").execute();
      for (const { id } of rows) await appendAudit(trx, effect.unlocked(id));
      return rows.map(({ id }) => id);
    }
    case "unlock": {
      const rows = await unlock(trx).where("id", "=", effect.agentId).returning("id").execute();
      return rows.map(({ id }) => id);
    }
    case "grant":
      await grant(trx, { ...effect, userId, at });
      return [];
    default:
      return effect satisfies never;
  }
}

/** Those that will be unlocked, in the order in which presence locks them: neither waits for the other in a circle. */
async function lockAgents(trx: Transact, userId: UserId): Promise<void> {
  await trx
    .selectFrom("agents")
    .select("id")
    .where("user_id", "=", userId)
    .where("mfa_locked", "=", true)
    .orderBy("id")
    .forNoKeyUpdate()
    .execute();
}

function unlock(trx: Transact) {
  return trx.updateTable("agents").set({ mfa_locked: false, mfa_locked_at: null }).where("mfa_locked", "=", true);
}

async function grant(
  trx: Transact,
  input: { userId: UserId; agentId: AgentId; sid: string; until: Date; at: Date },
): Promise<void> {
  const { userId, agentId, until, at } = input;
  // Nobody asks for those that are past: a user has no more rows than proved codes in the time of one grant.
  await trx.deleteFrom("mfa_grants").where("user_id", "=", userId).where("until", "<=", at).execute();
  await trx
    .insertInto("mfa_grants")
    .values({ user_id: userId, agent_id: agentId, sid: storableText(input.sid), until })
    .onConflict((conflict) => conflict.columns(["user_id", "agent_id", "sid"]).doUpdateSet({ until }))
    .execute();
}
