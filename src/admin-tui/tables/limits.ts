// Who may have how much, and has.

import type { AdminState } from "../state/model.ts";
import type { LimitsRow } from "../state/rows.ts";
import { bar } from "../theme/pictures.ts";
import type { Style } from "../theme/styles.ts";
import { userName } from "./names.ts";
import type { Cell, Table } from "./table.ts";

const BAR_WIDTH = 12;
const CELL_WIDTH = 19;

export const LIMITS: Table<LimitsRow> = {
  rows: (state) => state.limits.values(),
  sources: (state) => [state.limits, state.users],
  row: (state, id) => state.limits.get(id),
  columns: [
    {
      key: "fault",
      header: "",
      width: 1,
      cell: (row) => ({ text: fault(row) === undefined ? "" : "!", style: "bad" }),
      sortBy: (row) => (fault(row) === undefined ? 1 : 0),
    },
    {
      key: "user",
      header: "USER",
      width: 8,
      grow: 2,
      cell: (row, state) => ({ text: userName(state, row.id) }),
      sortBy: (row, state) => userName(state, row.id),
    },
    {
      key: "plan",
      header: "PLAN",
      width: 8,
      grow: 1,
      dropOrder: 2,
      cell: (row) => ({ text: row.plan }),
      sortBy: (row) => row.plan,
    },
    {
      key: "agents",
      header: "AGENTS REGISTERED",
      width: CELL_WIDTH,
      cell: (row, state) => usage(row, row.agentsUsed, row.agentsLimit, state),
      sortBy: (row) => share(row.agentsUsed, row.agentsLimit),
      plain: (row) => figures(row, row.agentsUsed, row.agentsLimit),
    },
    {
      key: "in-use",
      header: "AGENTS IN USE",
      width: CELL_WIDTH,
      cell: (row, state) => usage(row, row.terminalAgentsUsed, row.terminalAgentsLimit, state),
      sortBy: (row) => share(row.terminalAgentsUsed ?? Number.NaN, row.terminalAgentsLimit),
      plain: (row) => figures(row, row.terminalAgentsUsed, row.terminalAgentsLimit),
    },
    {
      key: "note",
      header: "NOTE",
      width: 14,
      dropOrder: 1,
      cell: (row) => ({ text: note(row), style: noteStyle(row) }),
      sortBy: note,
    },
  ],
  fields: {
    user: (row, state) => `${userName(state, row.id)} ${row.id}`,
    plan: (row) => row.plan,
    note: (row) => note(row),
    full: (row) => (fault(row) === undefined ? "false" : "true"),
  },
  words: (row, state) => `${userName(state, row.id)} ${state.users.get(row.id)?.email ?? ""} ${row.plan}`,
  json: (row, state) => ({
    user_id: row.id,
    user: userName(state, row.id),
    plan: row.plan,
    exempt: row.isExempt,
    agents_used: row.agentsUsed,
    agents_limit: row.agentsLimit,
    terminal_agents_used: row.terminalAgentsUsed,
    terminal_agents_limit: row.terminalAgentsLimit,
  }),
};

function usage(row: LimitsRow, used: number | undefined, limit: number, { looks }: AdminState): Cell {
  const text = figures(row, used, limit);
  if (row.isExempt || used === undefined) return { text, style: used === undefined ? "warn" : "plain" };
  if (limit === 0 && used === 0) return { text: "not in plan  0/0", style: "dim" };
  const style: Style = used >= limit ? "bad" : used >= limit * 0.8 ? "warn" : "ok";
  const count = text.padStart(5);
  // Of big numbers the bar gives way: a count that is cut is another count.
  const width = Math.min(BAR_WIDTH, CELL_WIDTH - 1 - count.length);
  return { text: width < 3 ? text : `${bar(used, limit, width, looks)} ${count}`, style };
}

/** What can't be known is not 0. */
function figures(row: LimitsRow, used: number | undefined, limit: number): string {
  if (used === undefined) return "counts unknown";
  return row.isExempt ? `${used} of any` : `${used}/${limit}`;
}

function share(used: number, limit: number): number {
  if (limit === 0) return used > 0 ? Number.POSITIVE_INFINITY : 0;
  return used / limit;
}

/** Somebody who is turned away, or would be. */
function fault(row: LimitsRow): "full" | "over" | undefined {
  if (row.isExempt || row.agentsLimit === 0)
    return row.agentsUsed > row.agentsLimit && !row.isExempt ? "over" : undefined;
  if (row.agentsUsed > row.agentsLimit) return "over";
  const isFull = row.agentsUsed === row.agentsLimit || (row.terminalAgentsUsed ?? 0) >= row.terminalAgentsLimit;
  return isFull ? "full" : undefined;
}

function note(row: LimitsRow): string {
  if (row.isExempt) return "admin";
  const known = fault(row);
  if (known === "over") return "over its plan";
  if (known === "full") return "full";
  if (row.agentsLimit === 0) return "not in plan";
  return row.terminalAgentsUsed === undefined ? "counts unknown" : "";
}

function noteStyle(row: LimitsRow): Style {
  return fault(row) === undefined ? "dim" : "bad";
}
