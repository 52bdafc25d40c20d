// The list of agents.

import type { AdminState } from "../state/model.ts";
import type { AgentRow, AgentState, SessionRow } from "../state/rows.ts";
import { shortDuration } from "../../text/ago.ts";
import { percent, sparkline } from "../theme/pictures.ts";
import type { Style } from "../theme/styles.ts";
import { userName } from "./names.ts";
import type { Cell, Table } from "./table.ts";

const TREND_WIDTH = 8;

const GLYPHS: Readonly<Record<AgentState, { glyph: string; word: string; style: Style }>> = {
  online: { glyph: "+", word: "online", style: "ok" },
  suspect: { glyph: "~", word: "stale", style: "warn" },
  offline: { glyph: "-", word: "offline", style: "dim" },
  registered: { glyph: ".", word: "new", style: "dim" },
};

/** How a state is told: never by its colour alone. An agent whose instance is silent is not known to be online. */
export function agentState(row: AgentRow, state: AdminState): { glyph: string; word: string; style: Style } {
  const instance = state.instances.get(row.instanceId);
  if (row.state === "online" && instance?.state === "silent") return GLYPHS.suspect;
  return GLYPHS[row.state];
}

export const AGENTS: Table<AgentRow> = {
  rows: (state) => state.agents.values(),
  sources: (state) => [state.agents, state.sessions, state.users, state.instances],
  row: (state, id) => state.agents.get(id),
  columns: [
    {
      key: "state",
      header: "S",
      width: 2,
      cell: stateCell,
      sortBy: stateRank,
      plain: (row, state) => agentState(row, state).word,
    },
    {
      key: "name",
      header: "NAME",
      width: 15,
      grow: 3,
      cell: (row) => ({ text: row.name }),
      sortBy: (row) => row.name.toLowerCase(),
    },
    { key: "status", header: "STATUS", width: 8, dropOrder: 0, cell: statusCell, sortBy: stateRank },
    {
      key: "user",
      header: "USER",
      width: 7,
      grow: 1,
      dropOrder: 3,
      cell: (row, state) => ({ text: userName(state, row.userId) }),
      sortBy: (row, state) => userName(state, row.userId),
    },
    {
      key: "platform",
      header: "PLATFORM",
      width: 12,
      grow: 1,
      dropOrder: 4,
      cell: (row) => ({ text: row.platform }),
      sortBy: (row) => row.platform,
    },
    {
      key: "cpu",
      header: "CPU",
      width: 4,
      align: "right",
      cell: (row) => loadCell(row, row.load?.cpu),
      sortBy: (row) => row.load?.cpu ?? Number.NaN,
    },
    { key: "trend", header: "TREND", width: TREND_WIDTH, dropOrder: 1, cell: trendCell, plain: () => "" },
    {
      key: "mem",
      header: "MEM",
      width: 4,
      align: "right",
      cell: (row) => loadCell(row, row.load?.memory),
      sortBy: (row) => row.load?.memory ?? Number.NaN,
    },
    {
      key: "ses",
      header: "SES",
      width: 3,
      align: "right",
      cell: (row, state) => ({ text: String(sessionsOf(state, row.id).length) }),
      sortBy: (row, state) => sessionsOf(state, row.id).length,
    },
    {
      key: "seen",
      header: "SEEN",
      width: 4,
      align: "right",
      cell: (row, state) => ({ text: seen(row, state) }),
      sortBy: (row) => row.seenAtMs ?? Number.NaN,
    },
    {
      key: "inst",
      header: "INST",
      keepsEnd: true,
      width: 8,
      dropOrder: 2,
      cell: (row, state) => instanceCell(row.instanceId, state),
      sortBy: (row) => row.instanceId,
    },
  ],
  fields: {
    status: (row, state) => agentState(row, state).word,
    user: (row, state) => `${userName(state, row.userId)} ${row.userId}`,
    os: (row) => row.platform,
    tag: (row) => row.tags.join(" "),
    region: (row) => row.machine?.region ?? "",
    inst: (row) => row.instanceId,
    id: (row) => row.id,
    name: (row) => row.name,
    locked: (row) => (row.isLocked ? "yes" : "no"),
  },
  words: (row) => `${row.name} ${row.tags.join(" ")}`,
  json: (row, state) => ({
    id: row.id,
    name: row.rawName,
    status: row.state,
    user_id: row.userId,
    user: userName(state, row.userId),
    platform: row.platform,
    tags: row.tags,
    mfa_locked: row.isLocked,
    instance_id: row.instanceId,
    cpu_percent: figure(row.load?.cpu),
    memory_percent: figure(row.load?.memory),
    disk_percent: figure(row.load?.disk),
    sessions: sessionsOf(state, row.id).length,
    last_seen_at: row.seenAtMs === undefined ? undefined : new Date(row.seenAtMs),
    version: row.version,
  }),
};

/** JSON has no NaN. */
function figure(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : Math.round(value * 10) / 10;
}

function stateCell(row: AgentRow, state: AdminState): Cell {
  const { glyph, style } = agentState(row, state);
  return { text: row.isLocked ? `${glyph}L` : glyph, style };
}

function statusCell(row: AgentRow, state: AdminState): Cell {
  const { word, style } = agentState(row, state);
  return { text: word, style };
}

const RANKS: Readonly<Record<AgentState, number>> = { online: 0, suspect: 1, offline: 2, registered: 3 };

function stateRank(row: AgentRow): number {
  return RANKS[row.state];
}

/** What a machine said before it went away is not what it does now. */
function loadCell(row: AgentRow, value: number | undefined): Cell {
  if (row.state === "offline" || row.state === "registered") return { text: "-", style: "dim" };
  const text = percent(value);
  return value !== undefined && value >= 90 ? { text, style: "bad" } : { text };
}

function trendCell(row: AgentRow, { looks }: AdminState): Cell {
  return { text: sparkline(row.load?.cpuHistory ?? [], TREND_WIDTH, 100, looks), style: "accent" };
}

/** Of one whose socket answers the server writes it once in a while only: it is there now. */
function seen(row: AgentRow, state: AdminState): string {
  if (row.seenAtMs === undefined) return "-";
  const heardAtMs = Math.max(row.seenAtMs, row.load?.measuredAtMs ?? 0);
  return shortDuration(state.nowMs - heardAtMs);
}

/** One that has sent no heartbeat says so: what it last told of its agents may be old. */
function instanceCell(instanceId: string, state: AdminState): Cell {
  if (instanceId === "") return { text: "-", style: "dim" };
  return state.instances.get(instanceId)?.state === "silent"
    ? { text: `${instanceId}!`, style: "warn" }
    : { text: instanceId };
}

let counted: { sessions: AdminState["sessions"]; byAgent: Map<string, SessionRow[]> } | undefined;

/** The shells of one agent. The index is made once for each state of the sessions. */
export function sessionsOf(state: AdminState, agentId: string): readonly SessionRow[] {
  if (counted?.sessions !== state.sessions) {
    const byAgent = new Map<string, SessionRow[]>();
    for (const session of state.sessions.values()) {
      const those = byAgent.get(session.agentId);
      if (those === undefined) byAgent.set(session.agentId, [session]);
      else those.push(session);
    }
    counted = { sessions: state.sessions, byAgent };
  }
  return counted.byAgent.get(agentId) ?? [];
}
