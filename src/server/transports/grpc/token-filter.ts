// The filter and order of ListTokens.

import { type AgentId, parseUuid } from "../../../protocol/ids.ts";
import type { Scope } from "../../domain/access/identity.ts";
import type { TokenFilter, TokenOrder } from "../../domain/access/token.ts";
import type { ListShape } from "./list-request.ts";

const SCOPES: readonly Scope[] = ["agent", "read", "write", "admin"];

export const TOKEN_LIST: ListShape<TokenFilter, TokenOrder> = {
  name: "tokens",
  orders: ["created_at", "last_used_at", "name"],
  defaultOrder: { by: "created_at", descending: false },
  term: addTerm,
};

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: TokenFilter, key: string, value: string): boolean {
  switch (key) {
    case "scope": {
      const scope = SCOPES.find((name) => name === value);
      if (scope === undefined || filter.scope !== undefined) return false;
      filter.scope = scope;
      return true;
    }
    case "agent": {
      const agentId = parseUuid<AgentId>(value);
      if (agentId === undefined || filter.agentId !== undefined) return false;
      filter.agentId = agentId;
      return true;
    }
    case "revoked":
      if ((value !== "true" && value !== "false") || filter.revoked !== undefined) return false;
      filter.revoked = value === "true";
      return true;
    default:
      return false;
  }
}
