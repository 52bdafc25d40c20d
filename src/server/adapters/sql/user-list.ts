// The paged list of users: filters and orders.

import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from "kysely";
import type { User } from "../../domain/access/identity.ts";
import type { Page, PageQuery } from "../../domain/page.ts";
import type { UserFilter, UserOrder } from "../../domain/users/user-accounts.ts";
import type { Database } from "./database.ts";
import { listRows } from "./list-rows.ts";
import { type OrderColumn, timeCursor } from "./paging.ts";
import type { Schema } from "./schema.ts";
import { containsPattern, searchText, storableText } from "./text.ts";
import { toUser, type UserRow } from "./user-rows.ts";

const ORDERS: Readonly<Record<UserOrder, OrderColumn<UserRow>>> = {
  email: { expression: sql`email COLLATE "C"`, type: "text", cursorValue: (row) => row.email },
  created_at: { expression: sql`created_at`, type: "time", cursorValue: (row) => timeCursor(row.created_at) },
};

export function listUsers(database: Database, query: PageQuery<UserFilter, UserOrder>): Promise<Page<User>> {
  return listRows(database, { table: "users", query, orders: ORDERS, matches }, toUser);
}

function matches(
  where: ExpressionBuilder<Schema, "users">,
  filter: UserFilter,
): ExpressionWrapper<Schema, "users", SqlBool> {
  const terms = [where.lit(true)] as ExpressionWrapper<Schema, "users", SqlBool>[];
  if (filter.plan !== undefined) terms.push(where("plan", "=", storableText(filter.plan)));
  if (filter.admin !== undefined) terms.push(where("admin", "=", filter.admin));
  if (filter.text !== undefined) terms.push(where("search", "like", containsPattern(searchText(filter.text))));
  return where.and(terms);
}
