// Which rows a list shows, in which order, and which of them fit.

import { type AnyTable, tableOf } from "../tables/tables.ts";
import { matcher } from "../tables/table.ts";
import type { AdminState, ListName, ListState, SortOrder } from "./model.ts";

type Row = { id: string };

interface Ordered {
  sources: readonly unknown[];
  filter: string;
  sort: SortOrder;
  /** Ages and rates change without a message: what is sorted by them is sorted again once in a while. */
  second: number;
  ids: readonly string[];
  total: number;
}

const ordered = new Map<ListName, Ordered>();
const RESORT_MS = 5_000;

/** As the list would stand if nobody held it. Made once for each state of what it is made of. */
export function liveOrder(state: AdminState, name: ListName): { ids: readonly string[]; total: number } {
  const table = tableOf(name);
  const { filter, sort } = state.lists[name];
  const sources = table.sources(state);
  const second = Math.floor(state.nowMs / RESORT_MS);
  const known = ordered.get(name);
  if (
    known !== undefined &&
    known.filter === filter &&
    known.sort === sort &&
    known.second === second &&
    known.sources.length === sources.length &&
    known.sources.every((source, i) => source === sources[i])
  ) {
    return known;
  }
  const rows = [...table.rows(state)];
  const matches = matcher(table, filter);
  const shown = matches === undefined ? rows : rows.filter((row) => matches(row, state));
  const made = { sources, filter, sort, second, ids: sorted(shown, table, { sort, state }), total: rows.length };
  ordered.set(name, made);
  return made;
}

function sorted(rows: Row[], table: AnyTable, input: { sort: SortOrder; state: AdminState }): readonly string[] {
  const { sort, state } = input;
  const sortBy = table.columns.find(({ key }) => key === sort.column)?.sortBy;
  if (sortBy === undefined) return rows.map(({ id }) => id);
  const keyed = rows.map((row) => ({ id: row.id, key: sortBy(row, state) }));
  const direction = sort.descending ? -1 : 1;
  keyed.sort((a, b) => {
    // What has no value comes last, whichever way.
    const aNone = isNone(a.key);
    const bNone = isNone(b.key);
    if (aNone || bNone) return aNone === bNone ? compare(a.id, b.id) : aNone ? 1 : -1;
    return direction * compare(a.key, b.key) || compare(a.id, b.id);
  });
  return keyed.map(({ id }) => id);
}

function isNone(key: number | string): boolean {
  return key === "" || Number.isNaN(key);
}

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface View {
  /** Every row that is shown, in the order in which it is shown. */
  ids: readonly string[];
  /** All there are, shown or filtered away. */
  total: number;
  /** Where the cursor stands; -1 in an empty list. */
  index: number;
  /** What is not shown yet because the order is held. */
  changes: number;
}

const views = new Map<ListName, { live: object; list: ListState; view: View }>();

/** A held list keeps its order: rows that are gone leave it, new ones wait. Made once for each state of the list. */
export function viewOf(state: AdminState, name: ListName): View {
  const list = state.lists[name];
  const live = liveOrder(state, name);
  const known = views.get(name);
  if (known !== undefined && known.live === live && known.list === list) return known.view;
  const view =
    list.held === undefined ? { ...live, index: cursorIn(live.ids, list), changes: 0 } : heldView(list, live);
  views.set(name, { live, list, view });
  return view;
}

function heldView(list: ListState, live: { ids: readonly string[]; total: number }): View {
  const isThere = new Set(live.ids);
  const ids = (list.held?.ids ?? []).filter((id) => isThere.has(id));
  return { ids, total: live.total, index: cursorIn(ids, list), changes: differences(ids, live.ids) };
}

/** Rows that would come, and rows that would stand elsewhere. */
function differences(held: readonly string[], live: readonly string[]): number {
  const isHeld = new Set(held);
  const both = live.filter((id) => isHeld.has(id));
  const moved = both.filter((id, i) => id !== held[i]).length;
  return live.length - both.length + moved;
}

/** By its id; where that is gone, the row that took its place. */
function cursorIn(ids: readonly string[], { cursorId, cursorIndex }: ListState): number {
  const found = cursorId === undefined ? -1 : ids.indexOf(cursorId);
  return found >= 0 ? found : Math.min(cursorIndex, ids.length - 1);
}

/** The first row to draw: as before, unless the cursor would be off the screen. */
export function topOf(list: Pick<ListState, "top">, view: Pick<View, "ids" | "index">, height: number): number {
  const last = Math.max(0, view.ids.length - height);
  const top = Math.min(list.top, last);
  if (view.index < 0) return top;
  if (view.index < top) return view.index;
  if (view.index >= top + height) return view.index - height + 1;
  return top;
}

export function cursorId(state: AdminState, name: ListName): string | undefined {
  const { ids, index } = viewOf(state, name);
  return ids[index];
}
