// Paged lists: what a caller may ask for, and what a store returns.

export const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1000;

export interface PageQuery<Filter, Order extends string> {
  filter: Filter;
  order: { by: Order; descending: boolean };
  /** 1…1000 rows. */
  limit: number;
  /** Where the last page ended: its last row's order value and id, both as text; undefined for the first page. */
  after?: PageCursor;
}

export interface PageCursor {
  value: string;
  id: string;
}

export interface Page<Row> {
  rows: readonly Row[];
  /** Undefined on the last page. */
  next?: PageCursor;
  /** Rows that match, over all pages. */
  total: number;
}
