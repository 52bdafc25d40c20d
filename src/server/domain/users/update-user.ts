// Changes an account; in force everywhere with the next call.

import type { User } from "../access/identity.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { PlanStore } from "../plans/plan.ts";
import { findUser, type FindUserDeps } from "./find-user.ts";
import type { UserAccounts, UserChanges } from "./user-accounts.ts";
import { checkUserFields } from "./user-fields.ts";

export interface UpdateUserDeps extends FindUserDeps {
  users: FindUserDeps["users"] & Pick<UserAccounts, "update">;
  plans: Pick<PlanStore, "get">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Fields that decide how many agents and terminals a user may have. */
const LIMITING = ["plan", "subscriptionActive", "admin"] as const satisfies readonly (keyof UserChanges)[];

/** Throws INVALID_ARGUMENT, USER_NOT_FOUND, USER_EMAIL_TAKEN, LAST_ADMIN. What a demoted admin may not see any more closes on the event. */
export async function updateUser(
  deps: UpdateUserDeps,
  input: { caller: UserIdentity; userId: string; changes: UserChanges; signal?: AbortSignal },
): Promise<User> {
  const caller = requireScope(input.caller, "admin");
  const { changes } = input;
  await checkUserFields(deps, changes);
  const { id } = await findUser(deps, { userId: input.userId, field: "user.id" });
  input.signal?.throwIfAborted();
  const updated = await deps.users.update(id, changes, {
    at: new Date(deps.clock.now()),
    type: "user.updated",
    subject: `user:${id}`,
    actor: `user:${caller.user.id}`,
    userId: id,
    detail: Object.fromEntries(Object.entries(changes).map(([field, value]) => [field, String(value)])),
  });
  if (updated === undefined) throw new DomainError("USER_NOT_FOUND");
  if (updated === "email_taken") throw new DomainError("USER_EMAIL_TAKEN");
  if (updated === "last_admin") throw new DomainError("LAST_ADMIN");
  deps.events.publish({ type: "user.updated", userId: id });
  if (LIMITING.some((field) => changes[field] !== undefined)) {
    deps.events.publish({ type: "limits.changed", userId: id });
  }
  return updated;
}
