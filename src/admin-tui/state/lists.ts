// Moving about in a list, marks, order.

import { layoutOf } from "./layout.ts";
import type { AdminState, ListName, ListState } from "./model.ts";
import { topOf, viewOf } from "./view.ts";
import { connectionOf } from "./connection.ts";
import { tableOf } from "../tables/tables.ts";

/** So long after a key no row moves under a finger. */
const HOLD_MS = 3_000;

/** The screen's own list. */
export function withList(state: AdminState, change: Partial<ListState>, name: ListName = state.screen): AdminState {
  return { ...state, lists: { ...state.lists, [name]: { ...state.lists[name], ...change } } };
}

export function layoutNow(state: AdminState) {
  const { kind } = connectionOf(state);
  return layoutOf(state.size, {
    hasBanner: kind === "lost",
    isSplit: state.screen === "agents" || state.screen === "sessions",
  });
}

/** A key has been pressed in the list: its order stands still for a while. Events only ever come at the end. */
export function holdOrder(state: AdminState): AdminState {
  const { held } = state.lists[state.screen];
  if (state.screen === "events") return state;
  const ids = held?.ids ?? viewOf(state, state.screen).ids;
  return withList(state, { held: { ids, untilMs: Math.max(held?.untilMs ?? 0, state.nowMs + HOLD_MS) } });
}

export function moveTo(state: AdminState, target: (index: number, last: number, page: number) => number): AdminState {
  const held = holdOrder(state);
  const view = viewOf(held, held.screen);
  const last = view.ids.length - 1;
  if (last < 0) return held;
  const page = pageLines(held);
  const index = Math.min(Math.max(target(view.index, last, page), 0), last);
  const list = held.lists[held.screen];
  return withList(held, {
    cursorId: view.ids[index],
    cursorIndex: index,
    top: topOf(list, { ids: view.ids, index }, page),
  });
}

/** The rows of a list that are on the screen at once. The details of an agent leave it the lower half. */
function pageLines(state: AdminState): number {
  const { pageLines: lines } = layoutNow(state);
  return state.screen === "agent" ? Math.max(1, Math.floor(lines / 3)) : lines;
}

/** Before rows change: should the one under the cursor go, its place is where it is now, not where it once was. */
export function settleCursor(state: AdminState): AdminState {
  const { cursorId, cursorIndex } = state.lists[state.screen];
  const { index } = viewOf(state, state.screen);
  return cursorId === undefined || index < 0 || index === cursorIndex ? state : withList(state, { cursorIndex: index });
}

/** Stays with the newest, whatever comes. */
export function follow(state: AdminState): AdminState {
  return withList(
    { ...state, eventsPausedAt: undefined },
    { cursorId: undefined, cursorIndex: Number.MAX_SAFE_INTEGER },
  );
}

export function toggleMark(state: AdminState): AdminState {
  const list = state.lists[state.screen];
  const { ids, index } = viewOf(state, state.screen);
  const id = ids[index];
  if (id === undefined) return state;
  const marked = new Set(list.marked);
  if (!marked.delete(id)) marked.add(id);
  return moveTo(withList(state, { marked }), (at) => at + 1);
}

export function sortByNext(state: AdminState): AdminState {
  const keys = tableOf(state.screen)
    .columns.filter(({ sortBy }) => sortBy !== undefined)
    .map(({ key }) => key);
  const at = keys.indexOf(state.lists[state.screen].sort.column);
  const column = keys[(at + 1) % keys.length];
  if (column === undefined) return state;
  return withList(state, { sort: { column, descending: BIGGEST_FIRST.has(column) }, held: undefined });
}

/** What is looked for in these is their top. */
const BIGGEST_FIRST = new Set(["cpu", "mem", "ses", "in", "out", "agents", "in-use", "viewers", "lag", "loop"]);

/** Marks of rows that are gone are gone with them. */
export function markedIds(state: AdminState): string[] {
  const table = tableOf(state.screen);
  return [...state.lists[state.screen].marked].filter((id) => table.row(state, id) !== undefined);
}

/** The marked rows; where none is, the one under the cursor. */
export function targetIds(state: AdminState): string[] {
  const marked = markedIds(state);
  if (marked.length > 0) return marked;
  const { ids, index } = viewOf(state, state.screen);
  const id = ids[index];
  return id === undefined ? [] : [id];
}
