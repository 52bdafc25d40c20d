// What happened.

import type { AdminState } from "../state/model.ts";
import type { EventRow } from "../state/rows.ts";
import { timeOfDay } from "../theme/pictures.ts";
import type { Style } from "../theme/styles.ts";
import { named } from "./names.ts";
import type { Table } from "./table.ts";

export const EVENTS: Table<EventRow> = {
  rows: shownEvents,
  sources: (state) => [state.events, state.eventsPausedAt, state.agents, state.users],
  row: (state, id) => state.events.find((event) => event.id === id),
  columns: [
    {
      key: "time",
      header: "TIME",
      width: 8,
      cell: (row) => ({ text: row.kind === "gap" ? "" : timeOfDay(row.atMs), style: "dim" }),
      plain: (row) => new Date(row.atMs).toISOString(),
    },
    {
      key: "sequence",
      header: "SEQ",
      width: 7,
      align: "right",
      dropOrder: 1,
      cell: (row) => ({ text: row.kind === "gap" ? "" : String(row.sequence), style: "dim" }),
      sortBy: (row) => row.sequence,
    },
    { key: "type", header: "TYPE", width: 19, cell: (row) => ({ text: row.type, style: styleOf(row) }) },
    {
      key: "subject",
      header: "SUBJECT",
      width: 17,
      grow: 1,
      cell: (row, state) => ({ text: named(state, row.subject) }),
    },
    {
      key: "by",
      header: "BY",
      width: 11,
      grow: 1,
      dropOrder: 2,
      cell: (row, state) => ({ text: named(state, row.actor) }),
    },
    {
      key: "detail",
      header: "DETAIL",
      width: 9,
      grow: 5,
      dropOrder: 3,
      cell: (row) => ({ text: row.detail, style: "dim" }),
    },
  ],
  fields: {
    type: (row) => row.type,
    subject: (row, state) => `${row.subject} ${named(state, row.subject)}`,
    by: (row, state) => `${row.actor} ${named(state, row.actor)}`,
    detail: (row) => row.detail,
  },
  words: (row, state) => `${row.type} ${named(state, row.subject)} ${named(state, row.actor)} ${row.detail}`,
  json: (row) => ({
    sequence: row.sequence,
    time: new Date(row.atMs),
    type: row.type,
    subject: row.subject,
    actor: row.actor,
    user_id: row.userId,
    detail: row.detail,
  }),
};

/** While it is paused nothing new comes in under the reader's eyes. */
function shownEvents(state: AdminState): readonly EventRow[] {
  const until = state.eventsPausedAt;
  return until === undefined ? state.events : state.events.filter(({ sequence }) => sequence <= until);
}

const BAD = /refused|denied|failed|locked_out|lost|\.down$/;
const WARN = /deleted|revoked|terminated|suspect|disconnected|draining|locked/;

function styleOf({ kind, type }: EventRow): Style {
  if (kind === "gap" || BAD.test(type)) return "bad";
  return WARN.test(type) ? "warn" : "plain";
}
