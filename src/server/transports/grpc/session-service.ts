// SessionService: decodes, calls the domain, encodes.

import type { SessionServiceService } from "../../../gen/rexec/session/v1/session_service.ts";
import { openTerminal, type OpenTerminalDeps } from "../../domain/terminals/open-terminal.ts";
import type { SessionDirectory } from "../../domain/terminals/sessions.ts";
import type { Handlers } from "./call-context.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { pageOfSessions, SESSION_LIST } from "./session-list.ts";
import { sessionMessage } from "./session-message.ts";

export interface SessionServiceDeps extends OpenTerminalDeps {
  sessions: SessionDirectory;
  pageTokenKey: string;
}

export function sessionService(deps: SessionServiceDeps): Handlers<typeof SessionServiceService> {
  return {
    async listSessions({ caller, request }) {
      const query = parseListRequest(SESSION_LIST, request, deps.pageTokenKey);
      const page = pageOfSessions(deps.sessions.listSessions(), caller, query);
      return {
        sessions: page.rows.map(sessionMessage),
        nextPageToken: nextPageToken(SESSION_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    openTerminal: ({ caller, request, signal }) => openTerminal(deps, { ...request, caller, signal }),
  };
}
