// Who is calling, and with what right.

import type { AgentId, ShareId, TokenId, UserId } from "../../../protocol/ids.ts";
import type { Share } from "../shares/share.ts";

/** agent: holds one agent's socket, nothing else · read ⊂ write ⊂ admin. */
export type Scope = "agent" | "read" | "write" | "admin";

export interface User {
  id: UserId;
  email: string;
  username: string;
  plan: string;
  subscriptionActive: boolean;
  admin: boolean;
  mfaEnrolled: boolean;
  createdAt: Date;
}

/** How a caller proved who it is. */
export type Identity =
  | {
      kind: "user";
      user: User;
      /** The strongest right of the credential; "admin" only where the user is one. */
      scope: Exclude<Scope, "agent">;
      credential: Credential;
    }
  | { kind: "agent"; user: User; agentId: AgentId; credential: Credential }
  /** Who holds the secret of a share: opens its session by the right of `user`, who shares it, and nothing else. */
  | { kind: "guest"; user: User; share: Share; credential: Credential }
  /** The first half of a login: may enter its code, and nothing else. */
  | { kind: "mfa_pending"; user: User; credential: Credential };

export interface Credential {
  type: "api_token" | "jwt" | "ticket" | "share";
  /** SHA-256 in hex: of the API token that this is, or that the JWT, ticket or share was made from. Undefined for a JWT of another issuer. */
  tokenHash?: string | undefined;
  tokenId?: TokenId | undefined;
  /** Milliseconds since 1970 at which it ends; undefined: never. */
  expiresAtMs?: number | undefined;
  /** When the API token ends that this is or was made from: sockets end with it, though not with a JWT, which is for entering. Of a share: when that ends. */
  tokenExpiresAtMs?: number | undefined;
  shareId?: ShareId | undefined;
  /** Tells logins of one user apart (JWT `sid`, or the token's id). */
  sid?: string | undefined;
  /** It changes nothing, whatever its scope: its scope says only how far it sees. */
  readOnly?: boolean | undefined;
  /** A ticket opens one terminal only. */
  ticket?: { agentId: AgentId; sessionId: string; newSession: boolean; readOnly: boolean } | undefined;
}
