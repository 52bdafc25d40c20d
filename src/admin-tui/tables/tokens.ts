// API tokens: what they may do, and how long.

import { shortDuration } from "../../text/ago.ts";
import type { AdminState } from "../state/model.ts";
import type { TokenRow } from "../state/rows.ts";
import type { Style } from "../theme/styles.ts";
import { agentName, userName } from "./names.ts";
import type { Table } from "./table.ts";

export const TOKENS: Table<TokenRow> = {
  rows: (state) => state.tokens?.values() ?? [],
  sources: (state) => [state.tokens, state.users, state.agents],
  row: (state, id) => state.tokens?.get(id),
  columns: [
    {
      key: "name",
      header: "NAME",
      width: 16,
      grow: 3,
      cell: (row) => ({ text: row.name }),
      sortBy: (row) => row.name.toLowerCase(),
    },
    { key: "prefix", header: "TOKEN", width: 12, dropOrder: 1, cell: (row) => ({ text: row.prefix, style: "dim" }) },
    {
      key: "scopes",
      header: "SCOPES",
      width: 10,
      grow: 1,
      cell: (row, state) => ({ text: scopes(row, state) }),
      sortBy: (row) => row.scopes.join(),
    },
    {
      key: "owner",
      header: "OWNER",
      width: 7,
      grow: 1,
      dropOrder: 2,
      cell: (row, state) => ({ text: userName(state, row.userId) }),
      sortBy: (row, state) => userName(state, row.userId),
    },
    {
      key: "age",
      header: "AGE",
      width: 4,
      align: "right",
      dropOrder: 3,
      cell: (row, state) => ({ text: shortDuration(state.nowMs - row.createdAtMs) }),
      sortBy: (row) => row.createdAtMs,
    },
    {
      key: "used",
      header: "USED",
      width: 4,
      align: "right",
      cell: (row, state) => ({
        text: row.lastUsedAtMs === undefined ? "-" : shortDuration(state.nowMs - row.lastUsedAtMs),
      }),
      sortBy: (row) => row.lastUsedAtMs ?? Number.NaN,
    },
    {
      key: "state",
      header: "STATE",
      width: 12,
      cell: (row, state) => validity(row, state),
      sortBy: (row, state) => validity(row, state).text,
    },
  ],
  fields: {
    scope: (row) => row.scopes.join(" "),
    user: (row, state) => `${userName(state, row.userId)} ${row.userId}`,
    agent: (row, state) => `${agentName(state, row.agentId)} ${row.agentId}`,
    state: (row, state) => validity(row, state).text,
  },
  words: (row) => `${row.name} ${row.prefix}`,
  json: (row) => ({
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    user_id: row.userId,
    agent_id: row.agentId === "" ? undefined : row.agentId,
    created_at: new Date(row.createdAtMs),
    expires_at: row.expiresAtMs === undefined ? undefined : new Date(row.expiresAtMs),
    revoked_at: row.revokedAtMs === undefined ? undefined : new Date(row.revokedAtMs),
  }),
};

function scopes(row: TokenRow, state: AdminState): string {
  return row.agentId === "" ? row.scopes.join(",") : `agent ${agentName(state, row.agentId)}`;
}

function validity(row: TokenRow, { nowMs }: AdminState): { text: string; style: Style } {
  if (row.revokedAtMs !== undefined) return { text: "revoked", style: "dim" };
  if (row.expiresAtMs === undefined) return { text: "valid", style: "ok" };
  const leftMs = row.expiresAtMs - nowMs;
  if (leftMs <= 0) return { text: "expired", style: "dim" };
  return { text: `ends in ${shortDuration(leftMs)}`, style: "warn" };
}
