// The filter and order of ListLimits.

import { parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { UsageFilter, UsageOrder } from "../../domain/plans/plan.ts";
import type { ListShape } from "./list-request.ts";

export const LIMITS_LIST: ListShape<UsageFilter, UsageOrder> = {
  name: "limits",
  orders: ["user_id", "agents_used"],
  defaultOrder: { by: "user_id", descending: false },
  term: addTerm,
};

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: UsageFilter, key: string, value: string): boolean {
  switch (key) {
    case "user": {
      const userId = parseUuid<UserId>(value);
      if (userId === undefined || filter.userId !== undefined) return false;
      filter.userId = userId;
      return true;
    }
    case "plan":
      if (filter.plan !== undefined) return false;
      filter.plan = value;
      return true;
    case "full":
      if ((value !== "true" && value !== "false") || filter.full !== undefined) return false;
      filter.full = value === "true";
      return true;
    default:
      return false;
  }
}
