// Plans, and how much of one a user has taken.

import type { Kysely } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import { type EffectiveLimits, effectiveLimits, type Plan, type PlanStore } from "../../domain/plans/plan.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";

export function createPlanStore(database: Database): PlanStore {
  return {
    get: (name) => database.run((db) => findPlan(db, name)),

    countAgents: (userId) =>
      database.run(async (db) => {
        const row = await db.selectFrom("users").select("agent_count").where("id", "=", userId).executeTakeFirst();
        return row?.agent_count ?? 0;
      }),
  };
}

/** The limits that hold for the user now, read on the caller's transaction. */
export async function readLimits(db: Kysely<Schema>, user: User): Promise<EffectiveLimits> {
  return effectiveLimits(user, await findPlan(db, user.plan), await findPlan(db, "pro"));
}

async function findPlan(db: Kysely<Schema>, name: string): Promise<Plan | undefined> {
  const row = await db.selectFrom("plans").selectAll().where("name", "=", name).executeTakeFirst();
  if (row === undefined) return undefined;
  return { name: row.name, maxAgents: row.max_agents, maxTerminalAgents: row.max_terminal_agents };
}
