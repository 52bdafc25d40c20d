// The port to where shares are kept.

import type { AgentId, SessionId, ShareId, UserId } from "../../../protocol/ids.ts";
import type { User } from "../access/identity.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";
import type { Share, ShareAccess } from "./share.ts";

/** As it is looked up to let a guest in: with who shares, whose right the guest borrows. */
export interface ShareWithUser extends Share {
  user: User;
  /** Of the API token that it was made with, if there was one. */
  tokenHash?: string;
}

export interface NewShare {
  id: ShareId;
  userId: UserId;
  agentId: AgentId;
  sessionId: SessionId;
  sessionStartedAt: Date;
  access: ShareAccess;
  maxViewers: number;
  expiresAt: Date;
  /** SHA-256 of the secret, 64 hex digits. */
  hash: string;
  tokenHash?: string;
  requestId?: string;
}

export interface ShareFilter {
  userId?: UserId;
  agentId?: AgentId;
  sessionId?: SessionId;
  /** Only those that are live, or are not, at this time. */
  live?: { is: boolean; at: Date };
}

export type ShareOrder = "created_at";

/** Rejections are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached: never "no such share". */
export interface ShareStore {
  /** By hash; ended ones too: the caller judges. */
  findByHash(hash: string): Promise<ShareWithUser | undefined>;
  /**
   * A known request id of this user replaces the secret of the share it made, and changes nothing else ("repeated"). Throws
   * SHARE_LIMIT_REACHED, AGENT_NOT_FOUND, and INVALID_ARGUMENT for the request id of a share that is another one.
   */
  create(share: NewShare, audit: AuditRecord): Promise<{ share: Share; outcome: "created" | "repeated" }>;
  list(query: PageQuery<ShareFilter, ShareOrder>): Promise<Page<Share>>;
  get(id: ShareId): Promise<Share | undefined>;
  /** False where there is none, or it was revoked before. */
  revoke(id: ShareId, at: Date, audit: AuditRecord): Promise<boolean>;
  /** Counts one more connection. False, and nothing has changed, where it was revoked meanwhile. `audit` undefined: it is counted only. */
  noteOpened(id: ShareId, at: Date, audit: AuditRecord | undefined): Promise<boolean>;
}
