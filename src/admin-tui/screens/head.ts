// The first lines: whose server, how it stands, which screens there are, the filter.

import { shortDuration } from "../../text/ago.ts";
import { connectionOf, isLoading } from "../state/connection.ts";
import { type AdminState, SCREENS, type Screen } from "../state/model.ts";
import { LIMITS } from "../tables/limits.ts";
import type { Line, Span } from "../theme/styles.ts";
import { caretSpans } from "./caret.ts";
import { bothEnds, widthOf } from "./lines.ts";
import { listSummary } from "./list.ts";
import { spinner, SPINNER_AFTER_MS } from "./spinner.ts";

const NAMES: Readonly<Record<(typeof SCREENS)[number], string>> = {
  agents: "Agents",
  sessions: "Sessions",
  limits: "Limits",
  events: "Events",
  instances: "Instances",
  tokens: "Tokens",
};

/** Whose data this is and how old; "LIVE 1s": the server has said something a second ago. */
export function drawTitle(state: AdminState, cols: number): Line {
  const { me } = state;
  const where = me.contextName === "" ? me.servers : me.contextName;
  const role = me.isReadOnly ? "readonly" : me.isAdmin ? "admin" : me.mayWrite ? "write" : "read";
  const left: Line = [
    { text: " rexec ", style: "strong" },
    { text: where, style: "accent" },
    // Until the server has said who this is, nobody is named.
    { text: me.userId === "" ? "" : `  ${me.name}(${role})` },
  ];
  const clock = new Date(state.nowMs);
  const time = `${String(clock.getHours()).padStart(2, "0")}:${String(clock.getMinutes()).padStart(2, "0")}`;
  return bothEnds(left, [status(state), { text: `  rows ${rowsHere(state)}  ${time} ` }], cols);
}

function status(state: AdminState): Span {
  const connection = connectionOf(state);
  const age = state.heardAtMs === undefined ? "" : ` ${shortDuration(state.nowMs - state.heardAtMs)}`;
  switch (connection.kind) {
    case "live":
      return isLoading(state, "agents")
        ? { text: spinner(state, "LOADING"), style: "warn" }
        : { text: `LIVE${age}`, style: "ok" };
    case "lost":
      return { text: `LOST${age}`, style: "bad" };
    case "refused":
      return { text: "REFUSED", style: "bad" };
    case "opening":
      return state.nowMs - connection.sinceMs < SPINNER_AFTER_MS
        ? { text: "" }
        : { text: spinner(state, "connecting"), style: "warn" };
    default:
      return connection satisfies never;
  }
}

function rowsHere(state: AdminState): number {
  return countOf(state, state.screen === "agent" ? "agents" : state.screen) ?? 0;
}

function countOf(state: AdminState, screen: Screen): number | undefined {
  switch (screen) {
    case "agents":
      return state.agents.size;
    case "sessions":
      return state.sessions.size;
    case "limits":
      return state.limits.size;
    case "events":
      return state.events.length;
    case "instances":
      return state.instances.size;
    case "tokens":
      return state.tokens?.size;
    case "agent":
      return undefined;
    default:
      return screen satisfies never;
  }
}

/** Where there is no room the counts of the screens that are not open go first, then their names. */
export function drawTabs(state: AdminState, cols: number): Line {
  const agent = state.screen === "agent" ? state.agents.get(state.detailsOf ?? "") : undefined;
  const crumb: Span[] = agent === undefined ? [] : [{ text: ` > ${agent.name}`, style: "accent" }];
  const room = cols - widthOf(crumb);
  const ways = [tabs(state, "counted"), tabs(state, "named"), tabs(state, "numbered")];
  return [...(ways.find((way) => widthOf(way) <= room) ?? ways.at(-1) ?? []), ...crumb];
}

function tabs(state: AdminState, others: "counted" | "named" | "numbered"): Span[] {
  const open = state.screen === "agent" ? state.detailsFrom : state.screen;
  const spans = SCREENS.filter((screen) => screen !== "instances" || state.me.isAdmin).flatMap((screen): Span[] => {
    const isOpen = screen === open;
    const count = screen === "events" || (!isOpen && others !== "counted") ? undefined : countOf(state, screen);
    const faults = screen === "limits" ? full(state) : 0;
    const silent =
      screen === "instances" ? [...state.instances.values()].filter(({ state: its }) => its === "silent").length : 0;
    const bad = faults + silent > 0 ? ` !${faults + silent}` : "";
    const name = isOpen || others !== "numbered" ? ` ${NAMES[screen]}` : "";
    const text = `${SCREENS.indexOf(screen) + 1}${name}${count === undefined ? "" : ` ${count}`}`;
    // Which one is open is told by brackets, too.
    return [
      { text: isOpen ? "[" : " ", style: isOpen ? "strong" : undefined },
      { text, style: isOpen ? "strong" : undefined },
      { text: bad, style: "bad" },
      { text: isOpen ? "]" : " ", style: isOpen ? "strong" : undefined },
    ];
  });
  // A blank at the end needs no room.
  return spans.at(-1)?.text === " " ? spans.slice(0, -1) : spans;
}

function full(state: AdminState): number {
  return [...state.limits.values()].filter((row) => LIMITS.fields["full"]?.(row, state) === "true").length;
}

/** The filter while it is typed, or as it stands; at the right how much of the list is shown, and how. */
export function drawFilter(state: AdminState, cols: number): Line {
  const summary = [...listSummary(state, state.screen), { text: " " }];
  const { overlay } = state;
  if (overlay?.kind === "filter") {
    const room = cols - widthOf(summary) - 3;
    return bothEnds([{ text: " /", style: "key" }, ...caretSpans(overlay.input, room)], summary, cols);
  }
  const { filter } = state.lists[state.screen];
  return bothEnds(filter === "" ? [] : [{ text: ` /${filter}`, style: "accent" }], summary, cols);
}

/** The list stays; this says how old it is, and that it will be tried again. */
export function drawBanner(state: AdminState): Line | undefined {
  const connection = connectionOf(state);
  if (connection.kind !== "lost") return undefined;
  const { failure, retryAtMs } = connection;
  const age =
    state.heardAtMs === undefined ? "no data yet" : `data is ${shortDuration(state.nowMs - state.heardAtMs)} old`;
  const next = Math.max(0, Math.ceil((retryAtMs - state.nowMs) / 1000));
  return [{ text: ` CONNECTION LOST  ${age}  next try in ${next}s  (${failure.message}) `, style: "banner" }];
}
