// All of a listing's sessions.

import { type Session, SessionServiceService } from "../gen/rexec/session/v1/session_service.ts";
import type { Api } from "./api.ts";

const PAGE_SIZE = 1000;

/** Every page; the server's order. */
export async function listAllSessions(api: Pick<Api, "call">, filter: string, orderBy: string): Promise<Session[]> {
  const sessions: Session[] = [];
  let pageToken = "";
  do {
    const request = { pageSize: PAGE_SIZE, pageToken, filter, orderBy };
    const page = await api.call(SessionServiceService.listSessions, request);
    sessions.push(...page.sessions);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return sessions;
}
