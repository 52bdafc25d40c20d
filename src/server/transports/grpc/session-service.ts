// SessionService: decodes, calls the domain, encodes.

import type { SessionServiceService } from "../../../gen/rexec/session/v1/session_service.ts";
import { getSession } from "../../domain/terminals/get-session.ts";
import { openTerminal, type OpenTerminalDeps } from "../../domain/terminals/open-terminal.ts";
import type { SessionDirectory } from "../../domain/terminals/sessions.ts";
import { terminateSession, type TerminateSessionDeps } from "../../domain/terminals/terminate-session.ts";
import { watchedSessions } from "../../domain/terminals/watch-sessions.ts";
import type { EventBus } from "../../domain/events/events.ts";
import type { ChangeLogs, SessionKey } from "../../domain/watches/change-logs.ts";
import type { Handlers } from "./call-context.ts";
import { nextPageToken, parseFilter, parseListRequest } from "./list-request.ts";
import { matchesSession, pageOfSessions, SESSION_LIST } from "./session-list.ts";
import { sessionMessage } from "./session-message.ts";
import { serveStateWatch } from "./state-watch.ts";

export interface SessionServiceDeps extends OpenTerminalDeps, TerminateSessionDeps {
  events: EventBus;
  changeLogs: ChangeLogs;
  sessions: SessionDirectory;
  pageTokenKey: string;
}

export function sessionService(deps: SessionServiceDeps): Handlers<typeof SessionServiceService> {
  return {
    async listSessions({ caller, request }) {
      const query = parseListRequest(SESSION_LIST, request, deps.pageTokenKey);
      const { agentId, userId } = query.filter;
      const sessions = await deps.sessions.listSessions({
        ...(agentId === undefined ? {} : { agentIds: [agentId] }),
        ...(userId === undefined ? {} : { userId }),
      });
      const page = pageOfSessions(sessions, caller, query);
      return {
        sessions: page.rows.map(sessionMessage),
        nextPageToken: nextPageToken(SESSION_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async getSession({ caller, request }) {
      return { session: sessionMessage(await getSession(deps, { caller, ...request })) };
    },
    async terminateSession({ caller, request, signal }) {
      await terminateSession(deps, { caller, ...request, signal });
      return {};
    },
    watchSessions({ caller, request, signal }, send) {
      const filter = parseFilter(SESSION_LIST, request.filter);
      const source = watchedSessions(
        { sessions: deps.sessions, changes: deps.changeLogs.sessions },
        { caller, matches: (session) => matchesSession(session, filter) },
      );
      const watched = { name: "sessions", userId: caller.user.id, filter: request.filter };
      const { resumeToken } = request;
      return serveStateWatch(
        source,
        {
          watched,
          resumeToken,
          signal,
          tokenKey: deps.pageTokenKey,
          encode: sessionMessage,
          encodeRemoved: removedSession,
        },
        send,
      );
    },
    openTerminal: ({ caller, request, signal }) => openTerminal(deps, { ...request, caller, signal }),
  };
}

function removedSession(key: SessionKey): { agentId: string; sessionId: string } {
  const [agentId = "", sessionId = ""] = key.split("/");
  return { agentId, sessionId };
}
