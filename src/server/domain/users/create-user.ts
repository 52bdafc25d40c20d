// Creates an account. How its owner gets a first credential is another matter: a JWT of the web UI, or a token.

import type { UserId } from "../../../protocol/ids.ts";
import type { User } from "../access/identity.ts";
import { parseRequestId } from "../access/request-id.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { PlanStore } from "../plans/plan.ts";
import type { NewUser, UserAccounts } from "./user-accounts.ts";
import { checkUserFields } from "./user-fields.ts";

export interface CreateUserDeps {
  users: Pick<UserAccounts, "create">;
  plans: Pick<PlanStore, "get">;
  secrets: Pick<Secrets, "randomUuid">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface CreateUserInput {
  caller: UserIdentity;
  user: Omit<NewUser, "id" | "requestId">;
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

/** Throws INVALID_ARGUMENT, USER_EMAIL_TAKEN. */
export async function createUser(deps: CreateUserDeps, input: CreateUserInput): Promise<User> {
  const caller = requireScope(input.caller, "admin");
  const { email, username, plan, subscriptionActive, admin } = input.user;
  const fields = { email, username, plan, subscriptionActive, admin };
  await checkUserFields(deps, fields);
  const requestId = parseRequestId(input.requestId);
  const id = deps.secrets.randomUuid() as UserId;
  input.signal?.throwIfAborted();
  const result = await deps.users.create(
    { id, ...fields, ...(requestId === undefined ? {} : { requestId }) },
    {
      at: new Date(deps.clock.now()),
      type: "user.created",
      subject: `user:${id}`,
      actor: `user:${caller.user.id}`,
      userId: id,
      detail: { email, plan, admin: String(admin) },
    },
  );
  switch (result.outcome) {
    case "created":
      deps.events.publish({ type: "user.created", userId: id });
      deps.events.publish({ type: "limits.changed", userId: id });
      return result.user;
    case "repeated":
      return result.user;
    case "email_taken":
      throw new DomainError("USER_EMAIL_TAKEN");
    default:
      return result satisfies never;
  }
}
