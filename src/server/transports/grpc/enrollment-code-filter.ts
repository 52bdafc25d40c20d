// The filter and order of ListEnrollmentCodes.

import type { EnrollmentCodeFilter, EnrollmentCodeOrder } from "../../domain/agents/enrollment-codes.ts";
import type { ListShape } from "./list-request.ts";

export const ENROLLMENT_CODE_LIST: ListShape<EnrollmentCodeFilter, EnrollmentCodeOrder> = {
  name: "enrollment_codes",
  orders: ["created_at", "expires_at"],
  defaultOrder: { by: "created_at", descending: false },
  term: addTerm,
};

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: EnrollmentCodeFilter, key: string, value: string): boolean {
  if (key !== "used" || (value !== "true" && value !== "false") || filter.used !== undefined) return false;
  filter.used = value === "true";
  return true;
}
