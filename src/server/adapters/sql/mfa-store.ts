// Second factors: enrolment, the lock on agents, grants. Codes have a file of their own.

import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import type { MfaState, MfaStore } from "../../domain/mfa/mfa.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { attemptCode } from "./mfa-attempt.ts";
import { lockOwner, lockUser } from "./register-agent.ts";
import { storableText } from "./text.ts";

export function createMfaStore(database: Database): MfaStore {
  return {
    attempt: (attempt) => attemptCode(database, attempt),
    state: (userId) => readState(database, userId),
    beginEnrollment: (userId, enrollment) => beginEnrollment(database, userId, enrollment),
    lockAgent: (agentId, audit) => lockAgent(database, agentId, audit),

    grantedUntil: ({ userId, agentId, sid }) =>
      database.run(async (db) => {
        const grant = await db
          .selectFrom("mfa_grants")
          .select("until")
          .where("user_id", "=", userId)
          .where("agent_id", "=", agentId)
          .where("sid", "=", storableText(sid))
          .executeTakeFirst();
        return grant?.until;
      }),
  };
}

function readState(database: Database, userId: UserId): Promise<MfaState> {
  return database.run(async (db) => {
    const row = await db
      .selectFrom("user_mfa")
      .select(["confirmed_at", "locked_until"])
      .where("user_id", "=", userId)
      .executeTakeFirst();
    const lockedUntil = row?.locked_until ?? undefined;
    return {
      enrolled: row !== undefined && row.confirmed_at !== null,
      ...(lockedUntil !== undefined && { lockedUntil }),
    };
  });
}

function beginEnrollment(
  database: Database,
  userId: UserId,
  { sealedSecret, recoveryHashes }: { sealedSecret: string; recoveryHashes: readonly string[] },
): Promise<boolean> {
  return database.transaction(async (trx) => {
    await lockUser(trx, userId);
    const begun = await trx
      .insertInto("user_mfa")
      .values({ user_id: userId, secret: sealedSecret })
      .onConflict((conflict) =>
        conflict.column("user_id").doUpdateSet({ secret: sealedSecret }).where("user_mfa.confirmed_at", "is", null),
      )
      .returning("user_id")
      .executeTakeFirst();
    if (begun === undefined) return false;
    await trx.deleteFrom("mfa_recovery_codes").where("user_id", "=", userId).execute();
    await trx
      .insertInto("mfa_recovery_codes")
      .values(recoveryHashes.map((hash) => ({ user_id: userId, hash })))
      .execute();
    return true;
  });
}

/** The owner's row is locked as it is when MFA is turned off: an agent is never locked behind a factor that is gone. */
function lockAgent(database: Database, agentId: AgentId, audit: AuditRecord): ReturnType<MfaStore["lockAgent"]> {
  return database.transaction(async (trx) => {
    const agent = await trx.selectFrom("agents").select("user_id").where("id", "=", agentId).executeTakeFirst();
    if (agent === undefined) return undefined;
    const owner = await lockOwner(trx, agent.user_id);
    if (owner === undefined) return undefined;
    if (!owner.mfa_enrolled) return "not_enrolled";
    const locked = await trx
      .updateTable("agents")
      .set({ mfa_locked: true, mfa_locked_at: audit.at })
      .where("id", "=", agentId)
      .where("mfa_locked", "=", false)
      .executeTakeFirst();
    // Also where it was deleted since it was found: then nothing is left to enter.
    if (locked.numUpdatedRows === 0n) return "locked_before";
    await appendAudit(trx, audit);
    return "locked";
  });
}
