// Pages of what lives in memory: sorted and cut here, as the database does it with rows.

import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";

/** `items` match the filter already; `cursorOf` gives texts that sort as what they stand for, and an id that is unique. */
export function pageInMemory<Item>(
  items: readonly Item[],
  { order, limit, after }: Pick<PageQuery<unknown, string>, "order" | "limit" | "after">,
  cursorOf: (item: Item) => PageCursor,
): Page<Item> {
  const direction = order.descending ? -1 : 1;
  const sorted = items
    .map((item) => ({ item, cursor: cursorOf(item) }))
    .sort((a, b) => compare(a.cursor, b.cursor) * direction);
  const rest = sorted.filter(({ cursor }) => after === undefined || compare(cursor, after) * direction > 0);
  const rows = rest.slice(0, limit);
  const next = rest.length > rows.length ? rows.at(-1)?.cursor : undefined;
  return { rows: rows.map(({ item }) => item), total: items.length, ...(next === undefined ? {} : { next }) };
}

function compare(a: PageCursor, b: PageCursor): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}
