// Users, agents and what they present, for tests of who may do what.
import { randomBytes, randomUUID } from "node:crypto";
import type { AgentId, SessionId, ShareId, TokenId, UserId } from "../../src/protocol/ids.ts";
import type { Credential, Identity, User } from "../../src/server/domain/access/identity.ts";
import type { GuestIdentity, UserIdentity, UserScope } from "../../src/server/domain/access/rules.ts";
import type { Share } from "../../src/server/domain/shares/share.ts";
import type { TokenWithUser } from "../../src/server/domain/access/token.ts";

export function aUser(fields: Partial<User> = {}): User {
  const id = randomUUID() as UserId;
  return {
    id,
    email: `${id}@example.com`,
    username: "somebody",
    plan: "free",
    subscriptionActive: false,
    admin: false,
    mfaEnrolled: false,
    createdAt: new Date(0),
    ...fields,
  };
}

export function anAgentOf(user: User): { id: AgentId; userId: UserId } {
  return { id: randomUUID() as AgentId, userId: user.id };
}

export function userIdentity(user: User, scope: UserScope, credential: Partial<Credential> = {}): UserIdentity {
  return { kind: "user", user, scope, credential: { type: "api_token", ...credential } };
}

export function agentIdentity(user: User, agentId: AgentId): Identity {
  return { kind: "agent", user, agentId, credential: { type: "api_token" } };
}

/** Of main, for looking. */
export function guestIdentity(user: User, agentId: AgentId, fields: Partial<Share> = {}): GuestIdentity {
  const share = aShare({ userId: user.id, agentId }, fields);
  return { kind: "guest", user, share, credential: { type: "share", shareId: share.id } };
}

export function aShare(of: { userId: UserId; agentId: AgentId }, fields: Partial<Share> = {}): Share {
  return {
    id: randomUUID() as ShareId,
    ...of,
    sessionId: "main" as SessionId,
    sessionStartedAt: new Date(0),
    access: "watch",
    maxViewers: 8,
    createdAt: new Date(0),
    endsAt: new Date(3_600_000),
    isRevoked: false,
    opened: 0,
    ...fields,
  };
}

export function aToken(user: User, fields: Partial<TokenWithUser> = {}): TokenWithUser {
  return {
    id: randomUUID() as TokenId,
    userId: user.id,
    name: "laptop",
    prefix: "rexec_012345",
    scopes: ["write"],
    createdAt: new Date(0),
    user,
    ...fields,
  };
}

/** A well-formed API token that nobody has made. */
export function anUnknownToken(): string {
  return `rexec_${randomBytes(32).toString("hex")}`;
}
