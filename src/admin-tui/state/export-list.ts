// A list as a file: what is shown, in the order in which it is shown.

import { harmless } from "../../text/harmless.ts";
import { tableOf } from "../tables/tables.ts";
import type { AdminState, ListName } from "./model.ts";
import { viewOf } from "./view.ts";

export function exportName(state: AdminState): string {
  return `rexec-${state.screen}-${new Date(state.nowMs).toISOString().slice(0, 10)}.csv`;
}

/** JSON where the file's name says so, else CSV. */
export function exportText(state: AdminState, name: ListName, path: string): string {
  const table = tableOf(name);
  const rows = viewOf(state, name).ids.flatMap((id) => table.row(state, id) ?? []);
  if (path.endsWith(".json")) {
    const objects = rows.map((row) => table.json(row, state));
    // Names are as the server has them; somebody looks at the file in a terminal all the same, and JSON can say both.
    const lines = JSON.stringify(objects, undefined, 2).split("\n");
    return lines.map((line) => `${harmless(line)}\n`).join("");
  }
  const columns = table.columns.filter(({ header }) => header !== "");
  const lines = [
    ["id", ...columns.map(({ key }) => key)],
    ...rows.map((row) => [
      row.id,
      ...columns.map((column) => column.plain?.(row, state) ?? column.cell(row, state).text),
    ]),
  ];
  return lines.map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
}

/** RFC 4180; and what a spreadsheet would take for a formula is text to it. */
function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d*\.?\d*$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
