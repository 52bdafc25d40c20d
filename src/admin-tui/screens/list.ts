// One list: its header, the rows that fit, and what stands there while there are none.

import { connectionOf, isLoading } from "../state/connection.ts";
import type { AdminState, FeedName, ListName } from "../state/model.ts";
import { markedIds } from "../state/lists.ts";
import { topOf, viewOf } from "../state/view.ts";
import { tableOf } from "../tables/tables.ts";
import type { Line, Style } from "../theme/styles.ts";
import { drawCells, drawHeader, placeColumns } from "./columns.ts";
import { type Area, fitArea, fitLine, line } from "./lines.ts";
import { spinner } from "./spinner.ts";

/** The cursor's and the mark's columns before each row. */
const PREFIX = 2;

const FEED_OF: Readonly<Record<ListName, FeedName | undefined>> = {
  agents: "agents",
  agent: "sessions",
  sessions: "sessions",
  limits: "limits",
  events: "events",
  instances: "instances",
  tokens: undefined,
};

export function drawList(state: AdminState, name: ListName, area: Area): Line[] {
  const table = tableOf(name);
  const list = state.lists[name];
  const view = viewOf(state, name);
  const placed = placeColumns(table.columns, area.cols - PREFIX);
  const header: Line = [{ text: " ".repeat(PREFIX) }, ...drawHeader(placed, list.sort, state.looks.isAscii)];
  const height = area.lines - 1;
  if (view.ids.length === 0) {
    return fitArea([header, [], ...nothingHere(state, name).map((text) => line(`  ${text}`))], area);
  }
  const top = topOf(list, view, height);
  const isDimmed = connectionOf(state).kind === "lost";
  const rows = view.ids.slice(top, top + height).map((id, i): Line => {
    const row = table.row(state, id);
    if (row === undefined) return [];
    const isCursor = top + i === view.index;
    const isMarked = list.marked.has(id);
    const cells = drawCells(placed, row, state);
    const prefix = {
      text: `${isCursor ? ">" : " "}${isMarked ? "*" : " "}`,
      style: isMarked ? "marked" : undefined,
    } as const;
    const spans = fitLine([prefix, ...cells], area.cols);
    if (isCursor) return spans.map((span) => ({ ...span, style: "cursor" as const }));
    return isDimmed ? spans.map((span) => ({ ...span, style: "dim" as const })) : spans;
  });
  return fitArea([header, ...rows], area);
}

/** Why there is nothing, and what would change it. */
function nothingHere(state: AdminState, name: ListName): string[] {
  const feedName = FEED_OF[name];
  const feed = feedName === undefined ? undefined : state.feeds[feedName];
  if (feed?.kind === "refused")
    return [feed.failure.message, ...(feed.failure.hint === undefined ? [] : [`try: ${feed.failure.hint}`])];
  if (feed?.kind === "lost")
    return [
      "not connected",
      `${feed.failure.message}${feed.failure.why === undefined ? "" : `: ${feed.failure.why}`}`,
      ...(feed.failure.hint === undefined ? [] : [`try: ${feed.failure.hint}`]),
    ];
  const { filter } = state.lists[name];
  if (filter !== "" && viewOf(state, name).total > 0) return [`nothing matches ${filter}`, "Esc drops the filter"];
  if (feedName !== undefined ? isLoading(state, feedName) : state.tokens === undefined)
    return [spinner(state, "loading")];
  return EMPTY[name];
}

const EMPTY: Readonly<Record<ListName, string[]>> = {
  agents: ["no agents yet", "`rexec agent enroll --run` on a machine adds it"],
  agent: ["nothing runs here", "s opens a shell"],
  sessions: ["no sessions", "s on an agent opens a shell"],
  limits: ["no users"],
  events: ["nothing has happened since this was opened"],
  instances: ["no instances"],
  tokens: ["no tokens", "n makes one"],
};

/** The list's own figures: how many of how many, order, marks. */
export function listSummary(state: AdminState, name: ListName): { text: string; style?: Style }[] {
  const { ids, total, changes } = viewOf(state, name);
  const { sort, held } = state.lists[name];
  const marked = markedIds(state).length;
  const arrow = sort.descending ? "v" : "^";
  const parts = [
    ids.length === total ? `${total}` : `${ids.length}/${total}`,
    `sort ${sort.column} ${arrow}`,
    ...(marked > 0 ? [`marked ${marked}`] : []),
    held?.untilMs === Number.POSITIVE_INFINITY ? "hold:on" : "hold:off",
    ...(name === "events" && state.eventsPausedAt !== undefined ? ["PAUSED"] : []),
  ];
  const spans: { text: string; style?: Style }[] = [{ text: parts.join("  "), style: "dim" }];
  if (held !== undefined && changes > 0)
    spans.push({ text: `  ${changes} change${changes === 1 ? "" : "s"}, u apply`, style: "warn" });
  return spans;
}
