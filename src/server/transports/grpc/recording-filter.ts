// The filter and order of ListRecordings.

import { type AgentId, parseShellId, parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { RecordingFilter, RecordingOrder } from "../../domain/recordings/recording.ts";
import type { ListShape } from "./list-request.ts";

export const RECORDING_LIST: ListShape<RecordingFilter, RecordingOrder> = {
  name: "recordings",
  orders: ["started_at"],
  defaultOrder: { by: "started_at", descending: true },
  term: addTerm,
};

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: RecordingFilter, key: string, value: string): boolean {
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
    case "session": {
      const sessionId = parseShellId(value);
      if (sessionId === undefined || filter.sessionId !== undefined) return false;
      filter.sessionId = sessionId;
      return true;
    }
    case "state":
      if ((value !== "recording" && value !== "ended") || filter.isOpen !== undefined) return false;
      filter.isOpen = value === "recording";
      return true;
    default:
      return false;
  }
}
