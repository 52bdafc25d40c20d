// What every List call shares: page_size, page_token, filter and order_by, from text to a query.

import { invalidField } from "../../domain/domain-error.ts";
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type Page, type PageQuery } from "../../domain/page.ts";
import { openPageToken, sealPageToken } from "./page-token.ts";

export interface ListRequest {
  pageSize: number;
  pageToken: string;
  filter: string;
  orderBy: string;
}

/** Takes one term of a filter in: its key ("" for a term without one) and value. False where it is no such term. */
export type FilterTerm<Filter> = (filter: Filter, key: string, value: string) => boolean;

export interface ListShape<Filter, Order extends string> {
  /** Keeps one list's page tokens from passing as another's. */
  name: string;
  orders: readonly Order[];
  defaultOrder: PageQuery<Filter, Order>["order"];
  term: FilterTerm<Filter>;
}

const MAX_FILTER_LENGTH = 1000;

/** Throws INVALID_ARGUMENT that names the field. */
export function parseListRequest<Filter extends object, Order extends string>(
  shape: ListShape<Filter, Order>,
  request: ListRequest,
  pageTokenKey: string,
): PageQuery<Filter, Order> {
  const limit = parsePageSize(request.pageSize);
  const filter = parseFilter(shape, request.filter);
  const order = parseOrder(shape, request.orderBy);
  const after = openPageToken(pageTokenKey, queryText(shape, request), request.pageToken);
  return { filter, order, limit, ...(after === undefined ? {} : { after }) };
}

/** The token of the page after this one; "" after the last. */
export function nextPageToken(
  shape: { name: string },
  request: ListRequest,
  page: Pick<Page<unknown>, "next">,
  pageTokenKey: string,
): string {
  return page.next === undefined ? "" : sealPageToken(pageTokenKey, queryText(shape, request), page.next);
}

function queryText(shape: { name: string }, { filter, orderBy }: ListRequest): string {
  return JSON.stringify([shape.name, filter, orderBy]);
}

function parsePageSize(pageSize: number): number {
  if (pageSize < 0) throw invalidField("page_size", "must not be negative");
  return pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
}

/** Also of a watch. Throws INVALID_ARGUMENT that names the field. */
export function parseFilter<Filter extends object>(
  shape: Pick<ListShape<Filter, string>, "term">,
  text: string,
): Filter {
  if (text.length > MAX_FILTER_LENGTH)
    throw invalidField("filter", `must have at most ${MAX_FILTER_LENGTH} characters`);
  const filter = {} as Filter;
  for (const term of text.split(" ")) {
    if (term === "") continue;
    const colon = term.indexOf(":");
    const [key, value] = colon === -1 ? ["", term] : [term.slice(0, colon), term.slice(colon + 1)];
    // No term may hold what no stored text can hold: a database would refuse a NUL with an error of its own.
    const isClean = !/[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(value);
    if (value === "" || !isClean || !shape.term(filter, key, value)) {
      throw invalidField("filter", `has an unknown or malformed term at position ${text.indexOf(term)}`);
    }
  }
  return filter;
}

function parseOrder<Filter, Order extends string>(
  shape: ListShape<Filter, Order>,
  text: string,
): PageQuery<Filter, Order>["order"] {
  if (text === "") return shape.defaultOrder;
  const [name, direction, ...rest] = text.split(" ").filter((word) => word !== "");
  const by = shape.orders.find((order) => order === name);
  const isDirection = direction === undefined || direction === "asc" || direction === "desc";
  if (by === undefined || !isDirection || rest.length > 0) {
    throw invalidField("order_by", `must be one of ${shape.orders.join(", ")}, with an optional " desc"`);
  }
  return { by, descending: direction === "desc" };
}
