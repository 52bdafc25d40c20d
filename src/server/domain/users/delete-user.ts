// Deletes an account and everything that could act for it.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { findUser, type FindUserDeps } from "./find-user.ts";
import type { UserAccounts } from "./user-accounts.ts";

export interface DeleteUserDeps extends FindUserDeps {
  users: FindUserDeps["users"] & Pick<UserAccounts, "delete">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, USER_NOT_FOUND, LAST_ADMIN. The sockets close on the events that are published. */
export async function deleteUser(
  deps: DeleteUserDeps,
  input: { caller: UserIdentity; userId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "admin");
  const user = await findUser(deps, input);
  input.signal?.throwIfAborted();
  const deleted = await deps.users.delete(user.id, {
    at: new Date(deps.clock.now()),
    type: "user.deleted",
    subject: `user:${user.id}`,
    actor: `user:${caller.user.id}`,
    userId: user.id,
    detail: { email: user.email },
  });
  if (deleted === undefined) throw new DomainError("USER_NOT_FOUND");
  if (deleted === "last_admin") throw new DomainError("LAST_ADMIN");
  // Tokens first: whoever hears of the agents' and the user's end must find none of them alive.
  for (const tokenHash of deleted.tokenHashes) {
    deps.events.publish({ type: "token.revoked", tokenHash, userId: user.id });
  }
  for (const agentId of deleted.agentIds) deps.events.publish({ type: "agent.deleted", agentId, userId: user.id });
  deps.events.publish({ type: "user.deleted", userId: user.id });
}
