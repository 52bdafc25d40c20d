// The paged list of agents: filters and orders.

import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from "kysely";
import type { Agent, AgentFilter, AgentOrder } from "../../domain/agents/agent.ts";
import type { Page, PageQuery } from "../../domain/page.ts";
import { type AgentRow, toAgent } from "./agent-rows.ts";
import type { Database } from "./database.ts";
import { listRows } from "./list-rows.ts";
import { NEVER, type OrderColumn, timeCursor } from "./paging.ts";
import type { Schema } from "./schema.ts";
import { containsPattern, searchText, storableText } from "./text.ts";

const ORDERS: Readonly<Record<AgentOrder, OrderColumn<AgentRow>>> = {
  name: { expression: sql`name`, type: "text", cursorValue: (row) => row.name },
  created_at: { expression: sql`created_at`, type: "time", cursorValue: (row) => timeCursor(row.created_at) },
  last_seen_at: {
    expression: sql`coalesce(last_seen_at, ${NEVER})`,
    type: "time",
    cursorValue: (row) => timeCursor(row.last_seen_at),
  },
};

export function listAgents(database: Database, query: PageQuery<AgentFilter, AgentOrder>): Promise<Page<Agent>> {
  return listRows(database, { table: "agents", query, orders: ORDERS, matches }, toAgent);
}

function matches(
  where: ExpressionBuilder<Schema, "agents">,
  filter: AgentFilter,
): ExpressionWrapper<Schema, "agents", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "agents", SqlBool>[];
  if (filter.userId !== undefined) terms.push(where("user_id", "=", filter.userId));
  if (filter.status !== undefined) terms.push(where("status", "=", filter.status));
  if (filter.os !== undefined) terms.push(where("os", "=", storableText(filter.os)));
  if (filter.tags !== undefined && filter.tags.length > 0) {
    terms.push(where("tags", "@>", sql<string[]>`${filter.tags.map(storableText)}::text[]`));
  }
  if (filter.nameContains !== undefined) {
    terms.push(where("name_search", "like", containsPattern(searchText(filter.nameContains))));
  }
  return where.and(terms);
}
