// Finds the user whom an admin means.

import { parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { User } from "../access/identity.ts";
import type { UserStore } from "../access/token.ts";
import { DomainError, invalidField } from "../domain-error.ts";

export interface FindUserDeps {
  users: Pick<UserStore, "get">;
}

/** Throws INVALID_ARGUMENT for what is no id at all, USER_NOT_FOUND. */
export async function findUser(deps: FindUserDeps, input: { userId: string; field?: string }): Promise<User> {
  const id = parseUuid<UserId>(input.userId);
  if (id === undefined) throw invalidField(input.field ?? "user_id", "must be a UUID");
  const user = await deps.users.get(id);
  if (user === undefined) throw new DomainError("USER_NOT_FOUND");
  return user;
}
