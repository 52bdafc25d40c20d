// The filter and order of ListUsers.

import type { UserFilter, UserOrder } from "../../domain/users/user-accounts.ts";
import type { ListShape } from "./list-request.ts";

export const USER_LIST: ListShape<UserFilter, UserOrder> = {
  name: "users",
  orders: ["email", "created_at"],
  defaultOrder: { by: "email", descending: false },
  term: addTerm,
};

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: UserFilter, key: string, value: string): boolean {
  switch (key) {
    case "plan":
      if (filter.plan !== undefined) return false;
      filter.plan = value;
      return true;
    case "admin":
      if ((value !== "true" && value !== "false") || filter.admin !== undefined) return false;
      filter.admin = value === "true";
      return true;
    case "":
      if (filter.text !== undefined) return false;
      filter.text = value;
      return true;
    default:
      return false;
  }
}
