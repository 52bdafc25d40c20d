// The filter, order and paging of ListSessions: sessions live in memory.

import { type AgentId, parseUuid, sessionKind, type UserId } from "../../../protocol/ids.ts";
import { mayReach, type UserIdentity } from "../../domain/access/rules.ts";
import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";
import type { SessionView } from "../../domain/terminals/sessions.ts";
import type { ListShape } from "./list-request.ts";
import { pageInMemory } from "./page-in-memory.ts";

type SessionKind = ReturnType<typeof sessionKind>;
const KINDS: readonly SessionKind[] = ["main", "split", "exec"];

export interface SessionFilter {
  agentId?: AgentId;
  userId?: UserId;
  kind?: SessionKind;
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
  query: PageQuery<SessionFilter, SessionOrder>,
): Page<SessionView> {
  const { filter, order } = query;
  const matching = sessions.filter((session) => mayReach(caller, session) && matchesSession(session, filter));
  return pageInMemory(matching, query, (session) => cursorOf(session, order.by));
}

/** Of the watch, too. */
export function matchesSession(session: SessionView, { agentId, userId, kind }: SessionFilter): boolean {
  if (agentId !== undefined && session.agentId !== agentId) return false;
  if (userId !== undefined && session.userId !== userId) return false;
  return kind === undefined || sessionKind(session.id) === kind;
}

/** ISO times sort as text. A session's id is unique within its agent only. */
function cursorOf(session: SessionView, by: SessionOrder): PageCursor {
  const value = by === "started_at" ? session.startedAt.toISOString() : session.agentId;
  return { value, id: `${session.agentId}/${session.id}` };
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
    case "kind": {
      const kind = KINDS.find((known) => known === value);
      if (kind === undefined || filter.kind !== undefined) return false;
      filter.kind = kind;
      return true;
    }
    default:
      return false;
  }
}
