// Users, agents and what they present, for tests of who may do what.
import { randomBytes, randomUUID } from "node:crypto";
import type { AgentId, TokenId, UserId } from "../../src/protocol/ids.ts";
import type { Credential, Identity, User } from "../../src/server/domain/access/identity.ts";
import type { UserIdentity, UserScope } from "../../src/server/domain/access/rules.ts";
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
