// The filter and order of ListAgents.

import { parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { AgentFilter, AgentOrder, AgentStatus } from "../../domain/agents/agent.ts";
import type { ListShape } from "./list-request.ts";

const STATUSES: readonly AgentStatus[] = ["registered", "online", "suspect", "offline"];

export const AGENT_LIST: ListShape<AgentFilter, AgentOrder> = {
  name: "agents",
  orders: ["name", "created_at", "last_seen_at"],
  defaultOrder: { by: "created_at", descending: false },
  term: addTerm,
};

/** False for a term that is unknown or malformed, and for one given twice that can hold one value only. */
function addTerm(filter: AgentFilter, key: string, value: string): boolean {
  switch (key) {
    case "status": {
      const status = STATUSES.find((name) => name === value);
      if (status === undefined || filter.status !== undefined) return false;
      filter.status = status;
      return true;
    }
    case "tag":
      filter.tags = [...(filter.tags ?? []), value];
      return true;
    case "os":
      if (filter.os !== undefined) return false;
      filter.os = value;
      return true;
    case "user": {
      const userId = parseUuid<UserId>(value);
      if (userId === undefined || filter.userId !== undefined) return false;
      filter.userId = userId;
      return true;
    }
    case "name":
    case "":
      if (filter.nameContains !== undefined) return false;
      filter.nameContains = value;
      return true;
    default:
      return false;
  }
}
