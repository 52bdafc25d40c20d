// Who may do what: pure functions of an identity and what it reaches for. Everything not allowed here is refused.

import type { SessionId } from "../../../protocol/ids.ts";
import type { Agent } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import type { Identity, Scope } from "./identity.ts";

export type UserScope = Exclude<Scope, "agent">;
export type UserIdentity = Extract<Identity, { kind: "user" }>;
export type GuestIdentity = Extract<Identity, { kind: "guest" }>;

const RANK: Record<UserScope, number> = { read: 1, write: 2, admin: 3 };

export function scopeCovers(held: UserScope, needed: UserScope): boolean {
  return RANK[held] >= RANK[needed];
}

/** Throws NOT_AUTHORIZED. Agent tokens, half-finished logins, guests and terminal tickets have no scope at all. */
export function requireScope(identity: Identity, needed: UserScope): UserIdentity {
  if (identity.kind !== "user" || identity.credential.type === "ticket" || !scopeCovers(identity.scope, needed)) {
    throw new DomainError("NOT_AUTHORIZED");
  }
  return identity;
}

/** The same caller, who from here on changes nothing. */
export function asReadOnly(identity: UserIdentity): UserIdentity {
  return { ...identity, credential: { ...identity.credential, readOnly: true } };
}

/** Admins reach every user's things, but only with a credential of admin scope. */
export function isAdmin(identity: UserIdentity): boolean {
  return identity.scope === "admin" && identity.user.admin;
}

export function mayReach(identity: UserIdentity, owned: { userId: string }): boolean {
  return owned.userId === identity.user.id || isAdmin(identity);
}

/**
 * An agent token holds the socket of the agent it is bound to. Existing agents connect with an API token of their
 * owner: that is accepted too, where it may write. JWTs and tickets hold no agent socket.
 */
export function mayHoldAgentSocket(identity: Identity, agent: Pick<Agent, "id" | "userId">): boolean {
  if (identity.user.id !== agent.userId || identity.credential.type !== "api_token") return false;
  switch (identity.kind) {
    case "agent":
      return identity.agentId === agent.id;
    case "user":
      return scopeCovers(identity.scope, "write");
    case "mfa_pending":
    case "guest":
      return false;
    default:
      return identity satisfies never;
  }
}

/**
 * The owner or an admin; a `read` scope and a read-only credential may only look; a ticket opens the one terminal it was made
 * for, a share the one session that is shared.
 */
export function mayOpenTerminal(
  identity: Identity,
  agent: Pick<Agent, "id" | "userId">,
  terminal: { sessionId: SessionId; readOnly: boolean },
): boolean {
  if (identity.kind === "guest") return mayOpenShared(identity, agent, terminal);
  if (identity.kind !== "user" || !mayReach(identity, agent)) return false;
  const { type, ticket, readOnly } = identity.credential;
  if (!terminal.readOnly && (readOnly === true || !scopeCovers(identity.scope, "write"))) return false;
  if (type !== "ticket") return true;
  if (ticket === undefined || ticket.agentId !== agent.id || ticket.sessionId !== terminal.sessionId) return false;
  return terminal.readOnly || !ticket.readOnly;
}

/** For as long as who shares it may open it: the owner, or an admin who still is one. */
function mayOpenShared(
  { share, user }: GuestIdentity,
  agent: Pick<Agent, "id" | "userId">,
  { sessionId, readOnly }: { sessionId: SessionId; readOnly: boolean },
): boolean {
  if (agent.userId !== user.id && !user.admin) return false;
  return share.agentId === agent.id && share.sessionId === sessionId && (readOnly || share.access === "type");
}

/** Whether this identity still has the right by which its open viewer's socket was let in. */
export function mayStay(identity: Identity, agent: Pick<Agent, "id" | "userId">): boolean {
  switch (identity.kind) {
    case "user":
      return mayReach(identity, agent);
    case "guest":
      return mayOpenShared(identity, agent, { sessionId: identity.share.sessionId, readOnly: true });
    case "agent":
    case "mfa_pending":
      return false;
    default:
      return identity satisfies never;
  }
}
