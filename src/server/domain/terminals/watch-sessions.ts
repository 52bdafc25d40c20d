// Follows the shells that run for one watcher: those of agents that it may see and that match its filter.

import type { AgentId } from "../../../protocol/ids.ts";
import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { ChangeLog } from "../watches/change-log.ts";
import { type SessionKey, sessionKey } from "../watches/change-logs.ts";
import type { WatchSource } from "../watches/watch-state.ts";
import type { SessionDirectory, SessionQuery, SessionView } from "./sessions.ts";

export function watchedSessions(
  deps: { sessions: SessionDirectory; changes: ChangeLog<SessionKey> },
  input: { caller: UserIdentity; matches: (session: SessionView) => boolean },
): WatchSource<SessionKey, SessionView> {
  const caller = requireScope(input.caller, "read");
  const mayHearOf = (userId: string | undefined): boolean => isAdmin(caller) || userId === caller.user.id;
  async function seen(query: SessionQuery): Promise<SessionView[]> {
    const own = isAdmin(caller) ? {} : { userId: caller.user.id };
    const sessions = await deps.sessions.listSessions({ ...query, ...own });
    return sessions.filter((session) => mayHearOf(session.userId) && input.matches(session));
  }

  return {
    changes: deps.changes,
    mayHearOf,
    async *snapshot() {
      yield await seen({});
    },
    async read(keys) {
      const wanted = new Set(keys);
      const agentIds = [...new Set(keys.map((key) => key.split("/", 1)[0] as AgentId))];
      const entries = (await seen({ agentIds })).map((session) => [sessionKey(session), session] as const);
      return new Map(entries.filter(([key]) => wanted.has(key)));
    },
  };
}
