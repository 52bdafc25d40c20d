// One page of a table, as every list reads it: the rows behind the cursor, and how many match in all, in one statement.

import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from "kysely";
import type { Page, PageQuery } from "../../domain/page.ts";
import type { Database } from "./database.ts";
import { behind, direction, type OrderColumn, rowsToRead, toPage } from "./paging.ts";
import type { Schema } from "./schema.ts";

type ListedTable = "agents" | "api_tokens" | "enrollment_codes" | "recordings" | "shares_now" | "users";

type Matches<Table extends ListedTable, Filter> = (
  where: ExpressionBuilder<Schema, Table>,
  filter: Filter,
) => ExpressionWrapper<Schema, Table, SqlBool>;

/** `Row`: of that table. */
export function listRows<Table extends ListedTable, Row extends { id: string }, Filter, Order extends string, Item>(
  database: Database,
  list: {
    table: Table;
    query: PageQuery<Filter, Order>;
    orders: Readonly<Record<Order, OrderColumn<Row>>>;
    matches: Matches<Table, Filter>;
  },
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  const { query } = list;
  const order = list.orders[query.order.by];
  // kysely's types know a table by its name, not by a parameter: any of them stands for the others.
  const table = list.table as "agents";
  const matches = list.matches as unknown as Matches<"agents", Filter>;
  return database.run(async (db) => {
    const count = db
      .selectFrom(table)
      .select((select) => select.fn.countAll<number>().as("total"))
      .where((where) => matches(where, query.filter));
    const rows = await db
      .selectFrom(table)
      .selectAll()
      // Once for all rows, and by one way to the database.
      .select(count.as("total"))
      .where((where) => matches(where, query.filter))
      .where(behind(order, query))
      .orderBy(order.expression, direction(query))
      .orderBy("id", direction(query))
      .limit(rowsToRead(query))
      .execute();
    // Nothing behind the cursor does not mean that nothing matches.
    const { total } = rows[0] ?? (await count.executeTakeFirstOrThrow());
    return toPage({ query, order, rows: rows as unknown as Row[], total: total ?? 0 }, toItem);
  });
}
