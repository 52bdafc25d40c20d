// The filter, order and paging of ListSessions: sessions live in memory, so they are sorted and cut here.

import { type AgentId, parseUuid, type UserId } from "../../../protocol/ids.ts";
import { mayReach, type UserIdentity } from "../../domain/access/rules.ts";
import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";
import type { SessionView } from "../../domain/terminals/sessions.ts";
import type { ListShape } from "./list-request.ts";

export interface SessionFilter {
  agentId?: AgentId;
  userId?: UserId;
  kind?: "main" | "split";
}

export type SessionOrder = "started_at" | "agent_id";

export const SESSION_LIST: ListShape<SessionFilter, SessionOrder> = {
  name: "sessions",
  orders: ["started_at", "agent_id"],
  defaultOrder: { by: "started_at", descending: false },
  term: addTerm,
};

export function pageOfSessions(
  sessions: readonly SessionView[],
  caller: UserIdentity,
  { filter, order, limit, after }: PageQuery<SessionFilter, SessionOrder>,
): Page<SessionView> {
  const matching = sessions
    .filter((session) => mayReach(caller, session) && matchesSession(session, filter))
    .map((session) => ({ session, cursor: cursorOf(session, order.by) }))
    .sort((a, b) => compare(a.cursor, b.cursor) * (order.descending ? -1 : 1));
  const isBeyond = (cursor: PageCursor) =>
    after === undefined || compare(cursor, after) * (order.descending ? -1 : 1) > 0;
  const rest = matching.filter(({ cursor }) => isBeyond(cursor));
  const rows = rest.slice(0, limit);
  const next = rest.length > rows.length ? rows.at(-1)?.cursor : undefined;
  return {
    rows: rows.map(({ session }) => session),
    total: matching.length,
    ...(next === undefined ? {} : { next }),
  };
}

/** Of the watch, too. */
export function matchesSession(session: SessionView, { agentId, userId, kind }: SessionFilter): boolean {
  if (agentId !== undefined && session.agentId !== agentId) return false;
  if (userId !== undefined && session.userId !== userId) return false;
  return kind === undefined || (session.id === "main") === (kind === "main");
}

/** ISO times sort as text. A session's id is unique within its agent only. */
function cursorOf(session: SessionView, by: SessionOrder): PageCursor {
  const value = by === "started_at" ? session.startedAt.toISOString() : session.agentId;
  return { value, id: `${session.agentId}/${session.id}` };
}

function compare(a: PageCursor, b: PageCursor): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: SessionFilter, key: string, value: string): boolean {
  switch (key) {
    case "agent": {
      const agentId = parseUuid<AgentId>(value);
      if (agentId === undefined || filter.agentId !== undefined) return false;
      filter.agentId = agentId;
      return true;
    }
    case "user": {
      const userId = parseUuid<UserId>(value);
      if (userId === undefined || filter.userId !== undefined) return false;
      filter.userId = userId;
      return true;
    }
    case "kind":
      if ((value !== "main" && value !== "split") || filter.kind !== undefined) return false;
      filter.kind = value;
      return true;
    default:
      return false;
  }
}
