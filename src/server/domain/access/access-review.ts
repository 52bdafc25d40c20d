// Whether what let sockets in still stands, asked for many at once: where nobody may have told us that it does not.

import type { AgentId, ShareId, UserId } from "../../../protocol/ids.ts";

/** What one open socket rests on. */
export interface HeldAccess {
  /** Of the API token that let it in, if there was one. */
  tokenHash?: string | undefined;
  /** The guest's that it is. */
  shareId?: ShareId | undefined;
  userId: UserId;
  agentId: AgentId;
}

export type EndedAccess = "TOKEN_INVALID" | "SHARE_ENDED" | "AGENT_NOT_FOUND" | "NOT_AUTHORIZED";

export interface ReviewedAccess {
  /** Why it stands no longer; undefined where it does. */
  ended: EndedAccess | undefined;
  /** When its token or share ends, which may be sooner than was said when it came; undefined: never, or there is none. */
  tokenExpiresAt: Date | undefined;
}

export interface AccessReview {
  /** For each, in their order. MFA locks are not looked at. Rejects with BACKEND_UNAVAILABLE. */
  review(held: readonly HeldAccess[], now: Date): Promise<readonly ReviewedAccess[]>;
}
