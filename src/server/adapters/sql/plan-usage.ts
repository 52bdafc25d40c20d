// What users may have and what they have, one by one or as a paged list, each read in one statement.

import { type Kysely, type RawBuilder, type SqlBool, sql } from "kysely";
import type { UserId } from "../../../protocol/ids.ts";
import type { Page, PageQuery } from "../../domain/page.ts";
import {
  effectiveLimits,
  type Plan,
  type PlanUsage,
  type UsageFilter,
  type UsageOrder,
} from "../../domain/plans/plan.ts";
import type { Database } from "./database.ts";
import { behind, direction, type OrderColumn, rowsToRead, toPage } from "./paging.ts";
import type { Schema } from "./schema.ts";
import { storableText } from "./text.ts";
import { toUser, type UserRow } from "./user-rows.ts";

interface UsageRow extends UserRow {
  own_agents: number | null;
  own_terminals: number | null;
  pro_agents: number | null;
  pro_terminals: number | null;
}

const ORDERS: Readonly<Record<UsageOrder, OrderColumn<UsageRow>>> = {
  user_id: { expression: sql`id`, type: "uuid", cursorValue: (row) => row.id },
  agents_used: { expression: sql`agent_count`, type: "integer", cursorValue: (row) => String(row.agent_count) },
};

/** As effectiveLimits has it, for the database to compare: admins are never full. */
const IS_FULL = sql<SqlBool>`(
  NOT admin AND agent_count >= greatest(
    coalesce(own.max_agents, 0), CASE WHEN subscription_active THEN coalesce(pro.max_agents, 0) ELSE 0 END
  ))`;

export async function findUsage(db: Kysely<Schema>, userId: UserId): Promise<PlanUsage | undefined> {
  const row = await usersWithPlans(db, { userId }).executeTakeFirst();
  return row === undefined ? undefined : toUsage(row);
}

export function listUsage(database: Database, query: PageQuery<UsageFilter, UsageOrder>): Promise<Page<PlanUsage>> {
  const order = ORDERS[query.order.by];
  return database.run(async (db) => {
    const rows = await usersWithPlans(db, query.filter)
      .where(behind(order, query))
      .orderBy(order.expression, direction(query))
      .orderBy("id", direction(query))
      .limit(rowsToRead(query))
      .execute();
    const { total } = await usersWithPlans(db, query.filter)
      .clearSelect()
      .select((select) => select.fn.countAll<number>().as("total"))
      .executeTakeFirstOrThrow();
    return toPage({ query, order, rows, total }, toUsage);
  });
}

function usersWithPlans(db: Kysely<Schema>, filter: UsageFilter) {
  return db
    .selectFrom("users")
    .leftJoin("plans as own", "own.name", "users.plan")
    .leftJoin("plans as pro", (join) => join.on(sql<SqlBool>`pro.name = 'pro'`))
    .selectAll("users")
    .select([
      "own.max_agents as own_agents",
      "own.max_terminal_agents as own_terminals",
      "pro.max_agents as pro_agents",
      "pro.max_terminal_agents as pro_terminals",
    ])
    .where(matches(filter));
}

function matches({ userId, userIds, plan, full }: UsageFilter): RawBuilder<SqlBool> {
  const terms = [sql<SqlBool>`true`];
  if (userId !== undefined) terms.push(sql`id = ${userId}`);
  if (userIds !== undefined) terms.push(sql`id = ANY(${[...userIds]}::uuid[])`);
  if (plan !== undefined) terms.push(sql`plan = ${storableText(plan)}`);
  if (full !== undefined) terms.push(full ? IS_FULL : sql`NOT ${IS_FULL}`);
  return sql<SqlBool>`(${sql.join(terms, sql` AND `)})`;
}

function toUsage(row: UsageRow): PlanUsage {
  const user = toUser(row);
  const own = toPlan(row.plan, row.own_agents, row.own_terminals);
  const pro = toPlan("pro", row.pro_agents, row.pro_terminals);
  return { user, limits: effectiveLimits(user, own, pro), agentsUsed: row.agent_count };
}

/** Undefined where the join found none. */
function toPlan(name: string, maxAgents: number | null, maxTerminalAgents: number | null): Plan | undefined {
  return maxAgents === null || maxTerminalAgents === null ? undefined : { name, maxAgents, maxTerminalAgents };
}
