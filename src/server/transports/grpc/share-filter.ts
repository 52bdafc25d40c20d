// The filter and order of ListShares.

import { type AgentId, parseShellId, parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../../domain/clock.ts";
import type { ShareFilter, ShareOrder } from "../../domain/shares/share-store.ts";
import type { ListShape } from "./list-request.ts";

/** What is live is so at the clock's present time. */
export function shareList(clock: Pick<Clock, "now">): ListShape<ShareFilter, ShareOrder> {
  return {
    name: "shares",
    orders: ["created_at"],
    defaultOrder: { by: "created_at", descending: false },
    term: (filter, key, value) => addTerm(filter, { key, value, at: new Date(clock.now()) }),
  };
}

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: ShareFilter, { key, value, at }: { key: string; value: string; at: Date }): boolean {
  switch (key) {
    case "agent": {
      const agentId = parseUuid<AgentId>(value);
      if (agentId === undefined || filter.agentId !== undefined) return false;
      filter.agentId = agentId;
      return true;
    }
    case "session": {
      const sessionId = parseShellId(value);
      if (sessionId === undefined || filter.sessionId !== undefined) return false;
      filter.sessionId = sessionId;
      return true;
    }
    case "user": {
      const userId = parseUuid<UserId>(value);
      if (userId === undefined || filter.userId !== undefined) return false;
      filter.userId = userId;
      return true;
    }
    case "live":
      if ((value !== "true" && value !== "false") || filter.live !== undefined) return false;
      filter.live = { is: value === "true", at };
      return true;
    default:
      return false;
  }
}
