// Lists, makes, changes and deletes accounts, for admins.

import { randomUUID } from "node:crypto";
import {
  CreateUserRequest,
  UpdateUserRequest,
  type User,
  UserServiceService,
} from "../gen/rexec/user/v1/user_service.ts";
import { ago } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { confirm } from "./confirm.ts";
import { type Column, renderListing } from "./output.ts";

const PAGE_SIZE = 1000;

interface NewUser {
  email: string;
  username?: string;
  plan: string;
  subscription?: boolean;
  admin?: boolean;
}

/** What is named is changed. */
interface UserChanges {
  email?: string;
  username?: string;
  plan?: string;
  subscription?: "active" | "none";
  admin?: "yes" | "no";
}

export async function printUsers(
  { filter = "", order }: { filter?: string; order: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  print(await withApi(flags, context, (api) => listAllUsers(api, filter, order)), flags, context);
}

export async function createUser(options: NewUser, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { email, plan, admin, subscription: subscriptionActive, username = email.split("@", 1)[0] } = options;
  const user = { email, username, plan, subscriptionActive, admin };
  const request = CreateUserRequest.fromPartial({ user, requestId: randomUUID() });
  const made = await withApi(flags, context, (api) => api.call(UserServiceService.createUser, request));
  print(made.user ? [made.user] : [], flags, context);
}

export async function updateUser(
  name: string,
  { subscription, admin, ...texts }: UserChanges,
  { flags, context }: { flags: GlobalFlags; context: CommandContext },
): Promise<void> {
  const changes = {
    ...texts,
    ...(subscription === undefined ? {} : { subscription_active: subscription === "active" }),
    ...(admin === undefined ? {} : { admin: admin === "yes" }),
  };
  const updateMask = Object.keys(changes);
  if (updateMask.length === 0) {
    const hint = "`rexec users update --help` lists what can be";
    throw new CliError("USAGE", { message: "nothing to change was named", hint });
  }
  const updated = await withApi(flags, context, async (api) => {
    const { subscription_active: subscriptionActive, ...fields } = changes;
    const user = { id: await findUserId(api, name), ...fields, subscriptionActive };
    return api.call(UserServiceService.updateUser, UpdateUserRequest.fromPartial({ user, updateMask }));
  });
  print(updated.user ? [updated.user] : [], flags, context);
}

export async function deleteUser(name: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, async (api) => {
    const userId = await findUserId(api, name);
    await confirm(`Delete ${harmless(name)}, with all agents and tokens?`, flags, context);
    await api.call(UserServiceService.deleteUser, { userId });
  });
  context.tell(`deleted ${harmless(name)}\n`);
}

/** An id as it is; for an email, the id of the account that has exactly this one. */
async function findUserId(api: Api, name: string): Promise<string> {
  if (!name.includes("@")) return name;
  const found = (await listAllUsers(api, name, "email")).find(
    ({ email }) => email.toLowerCase() === name.toLowerCase(),
  );
  if (found === undefined) throw new CliError("USER_NOT_FOUND", { message: `no user has the email ${name}` });
  return found.id;
}

/** Every page; the server's order. */
async function listAllUsers(api: Api, filter: string, orderBy: string): Promise<User[]> {
  const users: User[] = [];
  let pageToken = "";
  do {
    const page = await api.call(UserServiceService.listUsers, { pageSize: PAGE_SIZE, pageToken, filter, orderBy });
    users.push(...page.users);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return users;
}

function print(rows: readonly User[], flags: GlobalFlags, context: CommandContext): void {
  const columns = userColumns(new Date());
  context.print(renderListing({ rows, columns, json: userJson, name: (user) => user.id }, formatOf(flags)));
}

function userColumns(now: Date): Column<User>[] {
  return [
    { header: "EMAIL", value: (user) => user.email },
    { header: "NAME", value: (user) => user.username },
    { header: "PLAN", value: (user) => user.plan + (user.subscriptionActive ? " (subscription)" : "") },
    { header: "ADMIN", value: (user) => (user.admin ? "yes" : "no") },
    { header: "ID", value: (user) => user.id },
    { header: "MFA", value: (user) => (user.mfaEnrolled ? "yes" : "no"), isWide: true },
    { header: "CREATED", value: (user) => ago(user.createdAt, now), isWide: true },
  ];
}

function userJson(user: User): Record<string, unknown> {
  return {
    id: user.id,
    email: user.email,
    username: user.username,
    plan: user.plan,
    subscription_active: user.subscriptionActive,
    admin: user.admin,
    mfa_enrolled: user.mfaEnrolled,
    created_at: user.createdAt,
  };
}
