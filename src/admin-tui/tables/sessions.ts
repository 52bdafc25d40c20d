// The list of shells that run, of all agents or of one.

import { shortDuration } from "../../text/ago.ts";
import type { AdminState } from "../state/model.ts";
import type { SessionRow } from "../state/rows.ts";
import { rateNow } from "../state/session-row.ts";
import { byteCount } from "../../text/byte-count.ts";
import { sessionsOf } from "./agents.ts";
import { agentName, userName } from "./names.ts";
import type { Column, Table } from "./table.ts";

const COLUMNS: readonly Column<SessionRow>[] = [
  {
    key: "session",
    header: "SESSION",
    width: 10,
    cell: (row) => ({ text: row.sessionId }),
    sortBy: (row) => row.sessionId,
  },
  {
    key: "agent",
    header: "AGENT",
    width: 13,
    grow: 3,
    cell: (row, state) => ({ text: agentName(state, row.agentId) }),
    sortBy: (row, state) => agentName(state, row.agentId).toLowerCase(),
  },
  {
    key: "kind",
    header: "KIND",
    width: 5,
    dropOrder: 1,
    cell: (row) => ({ text: row.kind }),
    sortBy: (row) => ["main", "split", "exec"].indexOf(row.kind),
  },
  {
    key: "owner",
    header: "OWNER",
    width: 7,
    grow: 1,
    dropOrder: 3,
    cell: (row, state) => ({ text: userName(state, row.userId) }),
    sortBy: (row, state) => userName(state, row.userId),
  },
  {
    key: "viewers",
    header: "VIEW",
    width: 4,
    align: "right",
    cell: (row) => ({ text: String(row.viewers.length) }),
    sortBy: (row) => row.viewers.length,
  },
  {
    key: "in",
    header: "IN/S",
    width: 5,
    align: "right",
    cell: (row, state) => ({ text: byteCount(inputRate(row, state)) }),
    sortBy: inputRate,
  },
  {
    key: "out",
    header: "OUT/S",
    width: 5,
    align: "right",
    cell: (row, state) => ({ text: byteCount(outputRate(row, state)) }),
    sortBy: outputRate,
  },
  {
    key: "age",
    header: "AGE",
    width: 4,
    align: "right",
    cell: (row, state) => ({ text: shortDuration(state.nowMs - row.startedAtMs) }),
    sortBy: (row) => row.startedAtMs,
  },
  {
    key: "idle",
    header: "IDLE",
    width: 4,
    align: "right",
    dropOrder: 2,
    cell: (row, state) => ({ text: idle(row, state) }),
    sortBy: (row) => -activeAtMs(row),
  },
  {
    key: "inst",
    header: "INST",
    keepsEnd: true,
    width: 8,
    grow: 1,
    dropOrder: 4,
    cell: (row, state) => ({ text: way(row, state) }),
    sortBy: way,
  },
];

const SHARED = {
  columns: COLUMNS,
  row: (state: AdminState, id: string) => state.sessions.get(id),
  sources: (state: AdminState) => [state.sessions, state.agents, state.users],
  fields: {
    agent: (row: SessionRow, state: AdminState) => `${agentName(state, row.agentId)} ${row.agentId}`,
    user: (row: SessionRow, state: AdminState) => `${userName(state, row.userId)} ${row.userId}`,
    kind: (row: SessionRow) => row.kind,
    viewer: (row: SessionRow, state: AdminState) => row.viewers.map(({ userId }) => userName(state, userId)).join(" "),
    inst: (row: SessionRow, state: AdminState) => way(row, state),
  },
  words: (row: SessionRow, state: AdminState) => `${agentName(state, row.agentId)} ${row.sessionId}`,
  json: (row: SessionRow, state: AdminState) => ({
    agent_id: row.agentId,
    agent: agentName(state, row.agentId),
    session_id: row.sessionId,
    kind: row.kind,
    user_id: row.userId,
    viewers: row.viewers.length,
    output_bytes: row.traffic.outputBytes,
    input_bytes: row.traffic.inputBytes,
    started_at: new Date(row.startedAtMs),
  }),
};

export const SESSIONS: Table<SessionRow> = { ...SHARED, rows: (state) => state.sessions.values() };

/** Of the agent whose details are open. */
export const AGENT_SESSIONS: Table<SessionRow> = {
  ...SHARED,
  columns: COLUMNS.filter(({ key }) => key !== "agent" && key !== "owner"),
  rows: (state) => sessionsOf(state, state.detailsOf ?? ""),
  sources: (state) => [...SHARED.sources(state), state.detailsOf],
};

function outputRate(row: SessionRow, { nowMs }: AdminState): number {
  return rateNow(row.traffic.outputRate, row.traffic, nowMs);
}

function inputRate(row: SessionRow, { nowMs }: AdminState): number {
  return rateNow(row.traffic.inputRate, row.traffic, nowMs);
}

function activeAtMs(row: SessionRow): number {
  return Math.max(row.startedAtMs, row.lastInputAtMs ?? 0, row.lastOutputAtMs ?? 0);
}

function idle(row: SessionRow, state: AdminState): string {
  return shortDuration(state.nowMs - activeAtMs(row));
}

/** "i-2>i-1" where a viewer sits on another instance than the agent, "i-1" where all sit on one. */
function way(row: SessionRow, state: AdminState): string {
  const holder = state.agents.get(row.agentId)?.instanceId ?? "";
  const others = [...new Set(row.viewers.map(({ instanceId }) => instanceId))].filter(
    (id) => id !== holder && id !== "",
  );
  if (others.length === 0) return holder;
  return `${others.length > 1 ? `${others.length} inst.` : (others[0] ?? "")}>${holder}`;
}
