// Shows limits: everybody their own, admins everybody's.

import { parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { Refusals } from "../access/refusals.ts";
import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { Page, PageQuery } from "../page.ts";
import type { PlanStore, UsageFilter, UsageOrder } from "./plan.ts";
import { limitsOfUser, type UserLimits, type UserLimitsDeps, withTerminals } from "./user-limits.ts";

export interface ReadLimitsDeps extends UserLimitsDeps {
  plans: Pick<PlanStore, "usage" | "listUsage">;
  refusals: Pick<Refusals, "note">;
}

/** `userId` "": the caller's own. Throws INVALID_ARGUMENT, USER_NOT_FOUND (also for another user's). */
export async function getLimits(
  deps: ReadLimitsDeps,
  input: { caller: UserIdentity; userId: string },
): Promise<UserLimits> {
  const caller = requireScope(input.caller, "read");
  const userId = input.userId === "" ? caller.user.id : parseUuid<UserId>(input.userId);
  if (userId === undefined) throw invalidField("user_id", "must be a UUID");
  if (userId !== caller.user.id && !isAdmin(caller)) {
    deps.refusals.note({ identity: caller, subject: `user:${userId}`, detail: { reason: "USER_NOT_FOUND" } });
    throw new DomainError("USER_NOT_FOUND");
  }
  const limits = await limitsOfUser(deps, userId);
  if (limits === undefined) throw new DomainError("USER_NOT_FOUND");
  return limits;
}

export async function listLimits(
  deps: ReadLimitsDeps,
  input: { caller: UserIdentity; query: PageQuery<UsageFilter, UsageOrder> },
): Promise<Page<UserLimits>> {
  requireScope(input.caller, "admin");
  const page = await deps.plans.listUsage(input.query);
  return { ...page, rows: await Promise.all(page.rows.map((usage) => withTerminals(deps, usage))) };
}
