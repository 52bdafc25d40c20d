// Shows one account, or a page of them, to an admin.

import type { User } from "../access/identity.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Page, PageQuery } from "../page.ts";
import { findUser, type FindUserDeps } from "./find-user.ts";
import type { UserAccounts, UserFilter, UserOrder } from "./user-accounts.ts";

/** Throws INVALID_ARGUMENT, USER_NOT_FOUND. */
export async function getUser(deps: FindUserDeps, input: { caller: UserIdentity; userId: string }): Promise<User> {
  requireScope(input.caller, "admin");
  return findUser(deps, input);
}

export async function listUsers(
  deps: { users: Pick<UserAccounts, "list"> },
  input: { caller: UserIdentity; query: PageQuery<UserFilter, UserOrder> },
): Promise<Page<User>> {
  requireScope(input.caller, "admin");
  return deps.users.list(input.query);
}
