// The accounts as admins keep them: what may change, and the port to where they are stored.

import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { User } from "../access/identity.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";

export interface NewUser {
  id: UserId;
  email: string;
  username: string;
  plan: string;
  subscriptionActive: boolean;
  admin: boolean;
  requestId?: string;
}

/** Fields of a user that an admin may change. */
export interface UserChanges {
  email?: string;
  username?: string;
  plan?: string;
  subscriptionActive?: boolean;
  admin?: boolean;
}

export interface UserFilter {
  plan?: string;
  admin?: boolean;
  /** Within email or username, any case. */
  text?: string;
}

export type UserOrder = "email" | "created_at";

export type CreateUserResult =
  | { outcome: "created"; user: User }
  /** The request id was known: this is whom it made, as they are now. */
  | { outcome: "repeated"; user: User }
  | { outcome: "email_taken" };

/** Rejections are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. */
export interface UserAccounts {
  create(user: NewUser, audit: AuditRecord): Promise<CreateUserResult>;
  list(query: PageQuery<UserFilter, UserOrder>): Promise<Page<User>>;
  /** Undefined where the user is gone. Two admins who demote each other at once leave one. */
  update(
    id: UserId,
    changes: UserChanges,
    audit: AuditRecord,
  ): Promise<User | "email_taken" | "last_admin" | undefined>;
  /** One transaction: the user, their agents, all tokens of either. Undefined where there was no such user. */
  delete(id: UserId, audit: AuditRecord): Promise<DeletedUser | "last_admin" | undefined>;
}

export interface DeletedUser {
  agentIds: readonly AgentId[];
  tokenHashes: readonly string[];
}
