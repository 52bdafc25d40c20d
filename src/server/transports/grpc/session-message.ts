// A session of the domain as a message of the API.

import { SessionKind, type Session as SessionMessage } from "../../../gen/rexec/session/v1/session_service.ts";
import { sessionKind } from "../../../protocol/ids.ts";
import type { SessionView } from "../../domain/terminals/sessions.ts";

const KINDS = {
  main: SessionKind.SESSION_KIND_MAIN,
  split: SessionKind.SESSION_KIND_SPLIT,
  exec: SessionKind.SESSION_KIND_EXEC,
} as const;

export function sessionMessage(session: SessionView): SessionMessage {
  return {
    id: session.id,
    agentId: session.agentId,
    userId: session.userId,
    kind: KINDS[sessionKind(session.id)],
    startedAt: session.startedAt,
    viewers: session.viewers.map(({ attachmentKey, shareId = "", ...viewer }) => ({
      attachmentId: attachmentKey,
      shareId,
      ...viewer,
    })),
    outputOffset: session.outputOffset,
    inputBytes: session.inputBytes ?? 0,
    cols: session.cols,
    rows: session.rows,
    lastInputAt: session.lastInputAt,
    lastOutputAt: session.lastOutputAt,
    recorded: session.isRecorded ?? false,
  };
}
