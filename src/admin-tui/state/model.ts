// All that the TUI knows: what the server has told, and where the operator is.

import type { TerminalSize } from "../../protocol/terminal-size.ts";
import type { ApiFailure } from "../api/control-plane.ts";
import { drawable, drawableId } from "./drawable.ts";
import type { Overlay } from "./overlay.ts";
import type { AgentRow, EventRow, InstanceRow, LimitsRow, PlanRow, SessionRow, TokenRow, UserRow } from "./rows.ts";

export const SCREENS = ["agents", "sessions", "limits", "events", "instances", "tokens"] as const;
/** The numbered screens, and the details of one agent. */
export type Screen = (typeof SCREENS)[number] | "agent";
/** Every list has its own cursor, filter and order. */
export type ListName = Screen;

export const FEEDS = ["agents", "stats", "sessions", "limits", "events", "instances"] as const;
export type FeedName = (typeof FEEDS)[number];

/**
 * opening: nothing has come yet · live: it has · lost: it will be tried again at `retryAtMs` ·
 * refused: the server will not have us, and a retry would change nothing.
 */
export type FeedState =
  | { kind: "opening"; sinceMs: number }
  | { kind: "live"; isComplete: boolean }
  | { kind: "lost"; failure: ApiFailure; sinceMs: number; retryAtMs: number; isComplete: boolean }
  | { kind: "refused"; failure: ApiFailure };

export interface Me {
  userId: string;
  name: string;
  /** The name of the context; empty for a server that has none. */
  contextName: string;
  servers: string;
  isAdmin: boolean;
  /** May change something: the token has the scope, and this is no --readonly. */
  mayWrite: boolean;
  isReadOnly: boolean;
}

/** Whoever has named a user is a stranger, too. */
export function drawableMe(me: Me): Me {
  return {
    ...me,
    userId: drawableId(me.userId),
    name: drawable(me.name),
    contextName: drawable(me.contextName),
    servers: drawable(me.servers),
  };
}

export interface SortOrder {
  column: string;
  descending: boolean;
}

export interface ListState {
  filter: string;
  sort: SortOrder;
  /** The row under the cursor, wherever it is. */
  cursorId: string | undefined;
  /** Where it was last: the row that takes its place when it is gone. */
  cursorIndex: number;
  /** The first row that was drawn last. */
  top: number;
  marked: ReadonlySet<string>;
  /** The order as it was when the operator pressed a key: rows don't move under a finger. */
  held: { ids: readonly string[]; untilMs: number } | undefined;
}

export interface Notice {
  kind: "ok" | "info" | "error";
  text: string;
  untilMs: number;
}

/** A call that is under way. */
export interface Pending {
  label: string;
  done: number;
  total: number;
  sinceMs: number;
}

export interface Looks {
  hasColor: boolean;
  isAscii: boolean;
}

export interface AdminState {
  nowMs: number;
  size: TerminalSize;
  looks: Looks;
  me: Me;
  feeds: Readonly<Record<FeedName, FeedState>>;
  /** When the server last said anything. */
  heardAtMs: number | undefined;
  agents: ReadonlyMap<string, AgentRow>;
  sessions: ReadonlyMap<string, SessionRow>;
  limits: ReadonlyMap<string, LimitsRow>;
  instances: ReadonlyMap<string, InstanceRow>;
  tokens: ReadonlyMap<string, TokenRow> | undefined;
  users: ReadonlyMap<string, UserRow>;
  plans: ReadonlyMap<string, PlanRow>;
  /** Ascending; the newest MAX_EVENTS. */
  events: readonly EventRow[];
  /** Events up to this one are shown; undefined: all, as they come. */
  eventsPausedAt: number | undefined;
  screen: Screen;
  /** Whose details are shown, where it is "agent". */
  detailsOf: string | undefined;
  /** Where its details were opened from. */
  detailsFrom: Screen;
  /** Since when the agent of the details is locked; asked for when they are opened. */
  lockedSinceMs: number | undefined;
  lists: Readonly<Record<ListName, ListState>>;
  overlay: Overlay | undefined;
  notice: Notice | undefined;
  pending: Pending | undefined;
}

export const MAX_EVENTS = 2_000;

function list(column: string, descending = false): ListState {
  return {
    filter: "",
    sort: { column, descending },
    cursorId: undefined,
    cursorIndex: 0,
    top: 0,
    marked: new Set(),
    held: undefined,
  };
}

export function initialState(input: { me: Me; size: TerminalSize; looks: Looks; nowMs: number }): AdminState {
  const { me, size, looks, nowMs } = input;
  const opening: FeedState = { kind: "opening", sinceMs: nowMs };
  return {
    nowMs,
    size,
    looks,
    me: drawableMe(me),
    feeds: { agents: opening, stats: opening, sessions: opening, limits: opening, events: opening, instances: opening },
    heardAtMs: undefined,
    agents: new Map(),
    sessions: new Map(),
    limits: new Map(),
    instances: new Map(),
    tokens: undefined,
    users: new Map(),
    plans: new Map(),
    events: [],
    eventsPausedAt: undefined,
    screen: "agents",
    detailsOf: undefined,
    detailsFrom: "agents",
    lockedSinceMs: undefined,
    lists: {
      agents: list("name"),
      agent: list("session"),
      sessions: list("agent"),
      limits: list("user"),
      events: { ...list("sequence"), cursorIndex: Number.MAX_SAFE_INTEGER },
      instances: list("instance"),
      tokens: list("name"),
    },
    overlay: undefined,
    notice: undefined,
    pending: undefined,
  };
}
