// The server processes.

import { shortDuration } from "../../text/ago.ts";
import type { InstanceRow, InstanceState } from "../state/rows.ts";
import type { Style } from "../theme/styles.ts";
import type { Cell, Table } from "./table.ts";

const HEALTH: Readonly<Record<InstanceState, { glyph: string; word: string; style: Style }>> = {
  up: { glyph: "+", word: "up", style: "ok" },
  draining: { glyph: "~", word: "draining", style: "warn" },
  silent: { glyph: "!", word: "silent", style: "bad" },
};

function health({ state }: InstanceRow): { glyph: string; word: string; style: Style } {
  return HEALTH[state];
}

export const INSTANCES: Table<InstanceRow> = {
  rows: (state) => state.instances.values(),
  sources: (state) => [state.instances],
  row: (state, id) => state.instances.get(id),
  columns: [
    {
      key: "health",
      header: "HEALTH",
      width: 10,
      cell: healthCell,
      sortBy: (row) => row.state,
      plain: (row) => health(row).word,
    },
    {
      key: "instance",
      header: "INSTANCE",
      width: 12,
      grow: 2,
      cell: (row) => ({ text: row.id }),
      sortBy: (row) => row.id,
    },
    {
      key: "version",
      header: "VERSION",
      width: 8,
      dropOrder: 1,
      cell: (row) => ({ text: row.version }),
      sortBy: (row) => row.version,
    },
    {
      key: "up",
      header: "UP",
      width: 4,
      align: "right",
      cell: (row, state) => ({ text: shortDuration(state.nowMs - row.startedAtMs) }),
      sortBy: (row) => row.startedAtMs,
    },
    {
      key: "agents",
      header: "AGENTS",
      width: 6,
      align: "right",
      cell: (row) => count(row, row.agents),
      sortBy: (row) => row.agents,
    },
    {
      key: "sessions",
      header: "SESS",
      width: 5,
      align: "right",
      cell: (row) => count(row, row.sessions),
      sortBy: (row) => row.sessions,
    },
    {
      key: "lag",
      header: "BUS LAG",
      width: 7,
      align: "right",
      dropOrder: 2,
      cell: (row) => lag(row, row.busLagMs),
      sortBy: (row) => row.busLagMs,
    },
    {
      key: "loop",
      header: "LOOP P99",
      width: 8,
      align: "right",
      dropOrder: 3,
      cell: (row) => lag(row, row.loopP99Ms),
      sortBy: (row) => row.loopP99Ms,
    },
    {
      key: "beat",
      header: "BEAT",
      width: 4,
      align: "right",
      cell: (row, state) => ({
        text: row.heartbeatAtMs === undefined ? "-" : shortDuration(state.nowMs - row.heartbeatAtMs),
      }),
      sortBy: (row) => row.heartbeatAtMs ?? Number.NaN,
    },
  ],
  fields: { health: (row) => health(row).word, version: (row) => row.version },
  words: (row) => row.id,
  json: (row) => ({
    id: row.id,
    health: health(row).word,
    version: row.version,
    started_at: new Date(row.startedAtMs),
    agents: row.agents,
    sessions: row.sessions,
    bus_lag_ms: row.busLagMs,
    event_loop_p99_ms: row.loopP99Ms,
  }),
};

function healthCell(row: InstanceRow): Cell {
  const { glyph, word, style } = health(row);
  return { text: `${glyph} ${word}`, style };
}

/** One without a heartbeat has said this a while ago. */
function count(row: InstanceRow, value: number): Cell {
  return row.state === "silent" ? { text: `${value}?`, style: "dim" } : { text: String(value) };
}

function lag(row: InstanceRow, ms: number): Cell {
  if (row.state === "silent") return { text: "stale", style: "dim" };
  if (!(ms >= 0)) return { text: "n/a", style: "dim" };
  const text = ms < 10 ? `${ms.toFixed(1)}ms` : `${Math.round(ms)}ms`;
  return ms >= 250 ? { text, style: "bad" } : { text };
}
