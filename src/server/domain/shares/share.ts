// Sessions that are shared by a link: what a share allows, its secret, and its bounds.

import type { AgentId, SessionId, ShareId, UserId } from "../../../protocol/ids.ts";

/** "rexec_share_" and 48 hex digits (24 random bytes). */
export const SHARE_SECRET = /^rexec_share_[0-9a-f]{48}$/;
export const SHARE_SECRET_BYTES = 24;

/** Live ones of one user. */
export const MAX_LIVE_SHARES = 100;
export const MAX_SHARE_VIEWERS = 64;
export const DEFAULT_SHARE_VIEWERS = 8;
export const MIN_SHARE_LIFETIME_MS = 60_000;
export const MAX_SHARE_LIFETIME_MS = 7 * 86_400_000;
export const DEFAULT_SHARE_LIFETIME_MS = 3_600_000;

/** watch: look, and nothing else · type: type into the shell, too. */
export type ShareAccess = "watch" | "type";

export interface Share {
  id: ShareId;
  /** Who shares. */
  userId: UserId;
  agentId: AgentId;
  sessionId: SessionId;
  /** When the session began that is shared: a later one of the same name is not. */
  sessionStartedAt: Date;
  access: ShareAccess;
  /** At once. */
  maxViewers: number;
  createdAt: Date;
  /** At its expiry, or at that of the token that it was made with. */
  endsAt: Date;
  /** By somebody, or with the token that it was made with. */
  isRevoked: boolean;
  /** Connections that were let in, also those of a guest that came back. */
  opened: number;
  lastOpenedAt?: Date;
}

export function isLive({ isRevoked, endsAt }: Pick<Share, "isRevoked" | "endsAt">, nowMs: number): boolean {
  return !isRevoked && endsAt.getTime() > nowMs;
}
