// What a list shows: its columns, and what it is sorted and filtered by.

import type { AdminState } from "../state/model.ts";
import type { Style } from "../theme/styles.ts";

export interface Cell {
  text: string;
  style?: Style;
}

export interface Column<Row> {
  key: string;
  header: string;
  /** Columns of the terminal. */
  width: number;
  align?: "left" | "right";
  /** Where it is too long, its beginning is cut: names of one kind differ at their ends. */
  keepsEnd?: boolean;
  /** Takes what room is left over, by weight. */
  grow?: number;
  /** Where there is no room, the column with the smallest of these goes first. */
  dropOrder?: number;
  cell: (row: Row, state: AdminState) => Cell;
  /** NaN and "" come last, whichever way. Left out: not sorted by this. */
  sortBy?: (row: Row, state: AdminState) => number | string;
  /** In an export, where it is another text than the cell's. */
  plain?: (row: Row, state: AdminState) => string;
}

export interface Table<Row extends { id: string }> {
  rows: (state: AdminState) => Iterable<Row>;
  /** What the rows are made of: while these are the same, so are the rows. */
  sources: (state: AdminState) => readonly unknown[];
  row: (state: AdminState, id: string) => Row | undefined;
  columns: readonly Column<Row>[];
  /** What `key:value` looks into. */
  fields: Readonly<Record<string, (row: Row, state: AdminState) => string>>;
  /** What a word alone looks into. */
  words: (row: Row, state: AdminState) => string;
  /** As programs read it. */
  json: (row: Row, state: AdminState) => Record<string, unknown>;
}

/** `key:value` terms and words that must all hold, in any case of letters; `-term` must not. */
export function matcher<Row extends { id: string }>(
  table: Pick<Table<Row>, "fields" | "words">,
  filter: string,
): ((row: Row, state: AdminState) => boolean) | undefined {
  const terms = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term !== "" && term !== "-");
  if (terms.length === 0) return undefined;
  const tests = terms.map((term) => {
    const isNot = term.startsWith("-");
    const text = isNot ? term.slice(1) : term;
    const colon = text.indexOf(":");
    const key = text.slice(0, colon);
    // Its own fields: every object has a "constructor", too.
    const field = colon > 0 && Object.hasOwn(table.fields, key) ? table.fields[key] : undefined;
    const value = field === undefined ? text : text.slice(colon + 1);
    const look = field ?? table.words;
    return (row: Row, state: AdminState) => look(row, state).toLowerCase().includes(value) !== isNot;
  });
  return (row, state) => tests.every((test) => test(row, state));
}
