// Plans, and how much of one a user has taken.

import type { Kysely } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { type EffectiveLimits, effectiveLimits, type Plan, type PlanStore } from "../../domain/plans/plan.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { findUsage, listUsage } from "./plan-usage.ts";
import type { PlanTable, Schema } from "./schema.ts";
import { storableText } from "./text.ts";

export function createPlanStore(database: Database): PlanStore {
  return {
    get: (name) =>
      database.run(async (db) => {
        const row = await db.selectFrom("plans").selectAll().where("name", "=", storableText(name)).executeTakeFirst();
        return row === undefined ? undefined : toPlan(row);
      }),

    list: () =>
      database.run(async (db) => (await db.selectFrom("plans").selectAll().execute()).map((row) => toPlan(row))),

    set: (plan, audit) => setPlan(database, plan, audit),

    countAgents: (userId) =>
      database.run(async (db) => {
        const row = await db.selectFrom("users").select("agent_count").where("id", "=", userId).executeTakeFirst();
        return row?.agent_count ?? 0;
      }),

    usage: (userId) => database.run((db) => findUsage(db, userId)),
    listUsage: (query) => listUsage(database, query),
  };
}

/** The limits that hold for the user now, read on the caller's transaction. */
export async function readLimits(db: Kysely<Schema>, user: User): Promise<EffectiveLimits> {
  const rows = await db.selectFrom("plans").selectAll().where("name", "in", [user.plan, "pro"]).execute();
  const [plan, pro] = [user.plan, "pro"].map((name) => rows.find((row) => row.name === name));
  return effectiveLimits(user, plan && toPlan(plan), pro && toPlan(pro));
}

function setPlan(database: Database, plan: Plan, audit: AuditRecord): Promise<void> {
  const numbers = { max_agents: plan.maxAgents, max_terminal_agents: plan.maxTerminalAgents };
  return database.transaction(async (trx) => {
    await trx
      .insertInto("plans")
      .values({ name: plan.name, ...numbers })
      .onConflict((conflict) => conflict.column("name").doUpdateSet(numbers))
      .execute();
    await appendAudit(trx, audit);
  });
}

function toPlan(row: PlanTable): Plan {
  return { name: row.name, maxAgents: row.max_agents, maxTerminalAgents: row.max_terminal_agents };
}
