// UserService: decodes, calls the domain, encodes.

import type { User as UserMessage, UserServiceService } from "../../../gen/rexec/user/v1/user_service.ts";
import type { User } from "../../domain/access/identity.ts";
import type { UserStore } from "../../domain/access/token.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { createUser, type CreateUserDeps } from "../../domain/users/create-user.ts";
import { deleteUser, type DeleteUserDeps } from "../../domain/users/delete-user.ts";
import { getUser, listUsers } from "../../domain/users/read-users.ts";
import { updateUser, type UpdateUserDeps } from "../../domain/users/update-user.ts";
import type { UserAccounts, UserChanges } from "../../domain/users/user-accounts.ts";
import type { Handlers } from "./call-context.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { USER_LIST } from "./user-filter.ts";

export interface UserServiceDeps extends CreateUserDeps, UpdateUserDeps, DeleteUserDeps {
  users: UserStore & UserAccounts;
  pageTokenKey: string;
}

export function userService(deps: UserServiceDeps): Handlers<typeof UserServiceService> {
  return {
    async createUser({ caller, request, signal }) {
      const { user, requestId } = request;
      if (user === undefined) throw invalidField("user", "must be set");
      return { user: userMessage(await createUser(deps, { caller, user, requestId, signal })) };
    },
    async getUser({ caller, request }) {
      return { user: userMessage(await getUser(deps, { caller, userId: request.userId })) };
    },
    async listUsers({ caller, request }) {
      const query = parseListRequest(USER_LIST, request, deps.pageTokenKey);
      const page = await listUsers(deps, { caller, query });
      return {
        users: page.rows.map(userMessage),
        nextPageToken: nextPageToken(USER_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async updateUser({ caller, request, signal }) {
      const { user, updateMask } = request;
      if (user === undefined) throw invalidField("user", "must be set");
      const changes = maskedChanges(user, updateMask ?? []);
      return { user: userMessage(await updateUser(deps, { caller, userId: user.id, changes, signal })) };
    },
    async deleteUser({ caller, request, signal }) {
      await deleteUser(deps, { caller, userId: request.userId, signal });
      return {};
    },
  };
}

function userMessage(user: User): UserMessage {
  const { id, email, username, plan, subscriptionActive, admin, mfaEnrolled, createdAt } = user;
  return { id, email, username, plan, subscriptionActive, admin, mfaEnrolled, createdAt };
}

/** The fields that the mask names, and no others. */
function maskedChanges(user: Required<UserChanges>, mask: readonly string[]): UserChanges {
  if (mask.length === 0) throw invalidField("update_mask", "must name at least one field");
  const changes: UserChanges = {};
  for (const path of mask) {
    switch (path) {
      case "email":
        changes.email = user.email;
        break;
      case "username":
        changes.username = user.username;
        break;
      case "plan":
        changes.plan = user.plan;
        break;
      case "subscription_active":
        changes.subscriptionActive = user.subscriptionActive;
        break;
      case "admin":
        changes.admin = user.admin;
        break;
      default:
        throw invalidField("update_mask", "may name email, username, plan, subscription_active and admin only");
    }
  }
  return changes;
}
