// Lists enrolment codes without the codes themselves: an admin's credential sees everybody's, any other the caller's own.

import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Page, PageQuery } from "../page.ts";
import type {
  EnrollmentCode,
  EnrollmentCodeFilter,
  EnrollmentCodeOrder,
  EnrollmentCodeStore,
} from "./enrollment-codes.ts";

export async function listEnrollmentCodes(
  deps: { enrollmentCodes: Pick<EnrollmentCodeStore, "list"> },
  input: { caller: UserIdentity; query: PageQuery<EnrollmentCodeFilter, EnrollmentCodeOrder> },
): Promise<Page<EnrollmentCode>> {
  const caller = requireScope(input.caller, "read");
  if (isAdmin(caller)) return deps.enrollmentCodes.list(input.query);
  const filter = { ...input.query.filter, userId: caller.user.id };
  return deps.enrollmentCodes.list({ ...input.query, filter });
}
