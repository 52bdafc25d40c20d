// Keyset paging: a page begins behind the last row of the page before, so rows that come and go meanwhile
// neither repeat nor hide others.

import { type RawBuilder, type SqlBool, sql } from "kysely";
import { parseUuid } from "../../../protocol/ids.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { MAX_PAGE_SIZE, type Page, type PageCursor, type PageQuery } from "../../domain/page.ts";

/** A column that a list can be ordered by. `id` breaks ties. */
export interface OrderColumn<Row> {
  /** Never NULL, and the expression of an index. */
  expression: RawBuilder<unknown>;
  type: "text" | "time" | "integer" | "uuid";
  /** The same value of a row that was read, as a cursor holds it. */
  cursorValue(row: Row): string;
}

/** Stands for "never" in an order; an index holds the same expression. */
export const NEVER = sql`'1970-01-01T00:00:00Z'::timestamptz(3)`;

export function timeCursor(value: Date | null): string {
  return (value ?? new Date(0)).toISOString();
}

/** Which rows lie behind the cursor. Throws INVALID_ARGUMENT for a cursor that no list of ours has given out. */
export function behind<Row>(order: OrderColumn<Row>, query: PageQuery<unknown, string>): RawBuilder<SqlBool> {
  const { after } = query;
  if (after === undefined) return sql<SqlBool>`true`;
  const id = parseUuid(after.id);
  const value = cursorValue(order.type, after.value);
  if (id === undefined || value === undefined) {
    throw invalidField("page_token", "is not one that this list has returned");
  }
  const operator = query.order.descending ? sql`<` : sql`>`;
  return sql<SqlBool>`(${order.expression}, id) ${operator} (${value}, ${id}::uuid)`;
}

/** Undefined for a text of another shape, which would be an error inside the database. */
function cursorValue(type: OrderColumn<never>["type"], text: string): RawBuilder<unknown> | undefined {
  switch (type) {
    case "text":
      return sql`${text.replaceAll("\0", "")}::text`;
    case "time":
      return isTimeCursor(text) ? sql`${text}::timestamptz(3)` : undefined;
    case "integer":
      return /^\d{1,9}$/.test(text) ? sql`${text}::integer` : undefined;
    case "uuid":
      return parseUuid(text) === undefined ? undefined : sql`${text}::uuid`;
    default:
      return type satisfies never;
  }
}

export function direction(query: PageQuery<unknown, string>): "asc" | "desc" {
  return query.order.descending ? "desc" : "asc";
}

/** One row more than the page holds: it tells whether there is another page. */
export function rowsToRead(query: PageQuery<unknown, string>): number {
  return pageSize(query) + 1;
}

export function toPage<Row extends { id: string }, Item>(
  input: { query: PageQuery<unknown, string>; order: OrderColumn<Row>; rows: readonly Row[]; total: number },
  toItem: (row: Row) => Item,
): Page<Item> {
  const rows = input.rows.slice(0, pageSize(input.query));
  const last = rows.at(-1);
  const page: Page<Item> = { rows: rows.map(toItem), total: input.total };
  if (last === undefined || rows.length === input.rows.length) return page;
  const next: PageCursor = { value: input.order.cursorValue(last), id: last.id };
  return { ...page, next };
}

function pageSize(query: PageQuery<unknown, string>): number {
  return Math.min(Math.max(Math.trunc(query.limit), 1), MAX_PAGE_SIZE);
}

/** As timeCursor writes it. */
function isTimeCursor(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && Date.parse(text) >= 0;
}
