// From the text of a presented credential to who is calling: API token, JWT, terminal ticket or the secret of a share.

import { type AgentId, parseShellId, parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import { isLive, SHARE_SECRET } from "../shares/share.ts";
import type { ShareStore } from "../shares/share-store.ts";
import type { Credential, Identity, User } from "./identity.ts";
import { scopeCovers, type UserScope } from "./rules.ts";
import {
  API_TOKEN,
  type JwtClaims,
  type JwtCodec,
  type LiveToken,
  type Secrets,
  type TokenCache,
  type TokenStore,
  type UserStore,
} from "./token.ts";
import type { TokenUsage } from "./token-usage.ts";

export interface AuthenticateDeps {
  tokens: Pick<TokenStore, "findByHash">;
  users: Pick<UserStore, "get">;
  shares: Pick<ShareStore, "findByHash">;
  tokenCache: Pick<TokenCache, "get" | "put">;
  jwt: Pick<JwtCodec, "verify">;
  secrets: Pick<Secrets, "sha256Hex">;
  clock: Clock;
  tokenUsage: Pick<TokenUsage, "note">;
}

/** Longer than any JWT that an honest issuer makes; nothing longer is looked at. */
const MAX_CREDENTIAL_LENGTH = 8192;
const JWT_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const USER_SCOPES: readonly UserScope[] = ["admin", "write", "read"];

/**
 * Throws TOKEN_INVALID for what is unknown, malformed, revoked or expired, or whose user is gone, SHARE_ENDED for a share
 * that was, and BACKEND_UNAVAILABLE where that can't be known: a database that is away is nobody's bad token.
 */
export async function authenticate(deps: AuthenticateDeps, presented: string): Promise<Identity> {
  if (API_TOKEN.test(presented)) {
    const hash = deps.secrets.sha256Hex(presented);
    return identityOfToken(await liveToken(deps, hash), hash);
  }
  if (SHARE_SECRET.test(presented)) return guestOf(deps, deps.secrets.sha256Hex(presented));
  if (presented.length > MAX_CREDENTIAL_LENGTH || !JWT_SHAPE.test(presented)) throw new DomainError("TOKEN_INVALID");
  const claims = await known(deps.jwt.verify(presented));
  if (claims === undefined || claims.exp * 1000 <= deps.clock.now()) throw new DomainError("TOKEN_INVALID");
  return identityOfClaims(deps, claims);
}

/** The token with this hash, neither revoked nor expired. */
async function liveToken(deps: AuthenticateDeps, hash: string): Promise<LiveToken> {
  let token: LiveToken | undefined = deps.tokenCache.get(hash);
  if (token === undefined) {
    token = await known(deps.tokens.findByHash(hash));
    if (token !== undefined && token.revokedAt === undefined) deps.tokenCache.put(hash, token);
  }
  if (token === undefined || token.revokedAt !== undefined) throw new DomainError("TOKEN_INVALID");
  if (token.expiresAt !== undefined && token.expiresAt.getTime() <= deps.clock.now()) {
    throw new DomainError("TOKEN_INVALID");
  }
  deps.tokenUsage.note(token.id);
  return token;
}

/** Not cached: it is asked for when a guest comes, and not with each call. */
async function guestOf(deps: AuthenticateDeps, hash: string): Promise<Identity> {
  const found = await known(deps.shares.findByHash(hash));
  if (found === undefined) throw new DomainError("TOKEN_INVALID");
  const { user, tokenHash, ...share } = found;
  if (!isLive(share, deps.clock.now())) throw new DomainError("SHARE_ENDED", { share });
  const endsAtMs = share.endsAt.getTime();
  const credential: Credential = {
    type: "share",
    shareId: share.id,
    tokenHash,
    expiresAtMs: endsAtMs,
    tokenExpiresAtMs: endsAtMs,
  };
  return { kind: "guest", user, share, credential };
}

function identityOfToken(token: LiveToken, tokenHash: string): Identity {
  const credential: Credential = {
    type: "api_token",
    tokenHash,
    tokenId: token.id,
    expiresAtMs: token.expiresAt?.getTime(),
    tokenExpiresAtMs: token.expiresAt?.getTime(),
    sid: token.id,
  };
  // Whatever else such a token claims, it is an agent's: it lies on a machine that others may read.
  if (token.scopes.includes("agent")) {
    if (token.agentId === undefined) throw new DomainError("TOKEN_INVALID");
    return { kind: "agent", user: token.user, agentId: token.agentId, credential };
  }
  return { kind: "user", user: token.user, scope: strongestScope(token), credential };
}

function strongestScope(token: LiveToken): UserScope {
  const scope = USER_SCOPES.find((name) => token.scopes.includes(name));
  if (scope === undefined) throw new DomainError("TOKEN_INVALID");
  return ofUser(scope, token.user);
}

/** An admin's token outlives the user's being one. */
function ofUser(scope: UserScope, user: User): UserScope {
  return scope === "admin" && !user.admin ? "write" : scope;
}

/** The user is read from the store: a JWT's claims about plan or rights may be old by now. */
async function identityOfClaims(deps: AuthenticateDeps, claims: JwtClaims): Promise<Identity> {
  const userId = parseUuid<UserId>(claims.user_id);
  if (userId === undefined) throw new DomainError("TOKEN_INVALID");
  const token = claims.token_hash === undefined ? undefined : await liveToken(deps, claims.token_hash);
  const user = token?.user ?? (await known(deps.users.get(userId)));
  if (user === undefined || user.id !== userId) throw new DomainError("TOKEN_INVALID");
  const credential: Credential = {
    type: claims.ticket === undefined ? "jwt" : "ticket",
    tokenHash: claims.token_hash,
    tokenId: token?.id,
    expiresAtMs: Math.min(claims.exp * 1000, token?.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY),
    tokenExpiresAtMs: token?.expiresAt?.getTime(),
    sid: claims.sid ?? token?.id,
    readOnly: claims.read_only,
    ticket: claims.ticket === undefined ? undefined : parseTicket(claims.ticket),
  };
  if (claims.mfa_pending === true) return { kind: "mfa_pending", user, credential };
  const claimed = parseScope(claims, user);
  if (token === undefined) return { kind: "user", user, scope: claimed, credential };
  if (token.scopes.includes("agent")) throw new DomainError("TOKEN_INVALID");
  const held = strongestScope(token);
  return { kind: "user", user, scope: scopeCovers(held, claimed) ? claimed : held, credential };
}

function parseScope(claims: JwtClaims, user: User): UserScope {
  if (claims.scope === undefined) return user.admin ? "admin" : "write";
  const scope = USER_SCOPES.find((name) => name === claims.scope);
  if (scope === undefined) throw new DomainError("TOKEN_INVALID");
  return ofUser(scope, user);
}

function parseTicket(ticket: NonNullable<JwtClaims["ticket"]>): NonNullable<Credential["ticket"]> {
  const agentId = parseUuid<AgentId>(ticket.agent_id);
  const sessionId = parseShellId(ticket.session_id);
  if (agentId === undefined || sessionId === undefined) throw new DomainError("TOKEN_INVALID");
  return { agentId, sessionId, newSession: ticket.new_session, readOnly: ticket.read_only };
}

/** What a store answers; whatever it throws means that nobody knows. */
async function known<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw cause instanceof DomainError ? cause : new DomainError("BACKEND_UNAVAILABLE", {}, { cause });
  }
}
