// API tokens: their text, their stored form, and the port to where they are kept.

import type { AgentId, TokenId, UserId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";
import type { Scope, User } from "./identity.ts";

/** "rexec_" and 64 hex digits (32 random bytes). */
export const API_TOKEN = /^rexec_[0-9a-f]{64}$/;
/** How much of a token is kept in clear, for recognition: "rexec_" and six digits. */
export const TOKEN_PREFIX_LENGTH = 12;

export interface Token {
  id: TokenId;
  userId: UserId;
  name: string;
  prefix: string;
  scopes: readonly Scope[];
  /** For the scope "agent". */
  agentId?: AgentId;
  createdAt: Date;
  expiresAt?: Date;
  lastUsedAt?: Date;
  revokedAt?: Date;
}

/** A token as it is looked up to authenticate: with its owner. */
export interface TokenWithUser extends Token {
  user: User;
}

/** What is asked of a token whenever it is presented, and therefore kept of thousands. */
export type LiveToken = Pick<
  TokenWithUser,
  "id" | "userId" | "scopes" | "agentId" | "expiresAt" | "revokedAt" | "user"
>;

export interface NewToken {
  id: TokenId;
  userId: UserId;
  name: string;
  /** SHA-256 of the token, 64 hex digits. */
  hash: string;
  prefix: string;
  scopes: readonly Scope[];
  agentId?: AgentId;
  expiresAt?: Date;
  requestId?: string;
  replaces?: ReplacedToken;
}

/** A token that ends because another takes its place. */
export interface ReplacedToken {
  id: TokenId;
  /** When it ends, unless it ends sooner by itself; undefined: it is revoked at once. */
  until?: Date;
}

export interface CreatedToken {
  token: Token;
  /** The request was a repeated one: what its token's hash was before. */
  replacedHash?: string;
  /** What became of the token that this one replaces: revoked, or with a nearer end. */
  ended?: { hash: string; expiresAt?: Date };
}

export interface TokenFilter {
  userId?: UserId;
  agentId?: AgentId;
  scope?: Scope;
  revoked?: boolean;
}

export type TokenOrder = "created_at" | "last_used_at" | "name";

/** Rejections are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached: never "no such token". */
export interface TokenStore {
  /** By hash; revoked and expired ones too: the caller judges. */
  findByHash(hash: string): Promise<TokenWithUser | undefined>;
  /**
   * A known request id of this user replaces the secret of the token it made, and changes nothing else; its old hash is
   * returned. Throws INVALID_ARGUMENT where the token that is to be replaced has ended already.
   */
  create(token: NewToken, audit: AuditRecord): Promise<CreatedToken>;
  list(query: PageQuery<TokenFilter, TokenOrder>): Promise<Page<Token>>;
  get(id: TokenId): Promise<Token | undefined>;
  /** The hash of what was revoked; undefined where there is none, or it was revoked before. */
  revoke(id: TokenId, at: Date, audit: AuditRecord): Promise<{ hash: string } | undefined>;
  /** One statement for many. */
  markUsed(used: readonly { id: TokenId; at: Date }[]): Promise<void>;
}

/** Verified tokens and their users for 5 minutes, keyed by hash. */
export interface TokenCache {
  get(hash: string): LiveToken | undefined;
  put(hash: string, token: LiveToken): void;
  /** The token is revoked, or ends sooner than was known. */
  forget(hash: string): void;
  /** The user is another one now, or gone: no token of theirs is as it was. */
  forgetUser(userId: UserId): void;
  /** Any of them may have ended: what is looked up now is kept again. */
  forgetAll(): void;
}

/**
 * Hashes of tokens that were valid in this process, for longer than the cache holds them: whether they still are is the
 * store's to say, but the store may be asked.
 */
export interface SeenTokens {
  has(hash: string): boolean;
  add(hash: string): void;
  /** The token was found to be invalid. */
  forget(hash: string): void;
}

export interface UserStore {
  get(id: UserId): Promise<User | undefined>;
  /** Creates the user, or returns the one with this email as it is. */
  ensure(user: { id: UserId; email: string; username: string; plan: string; admin: boolean }): Promise<User>;
}

/** SHA-256, and random bytes: the domain itself has no crypto. */
export interface Secrets {
  sha256Hex(text: string): string;
  /** Of bytes that come one after the other. */
  sha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array };
  randomHex(bytes: number): string;
  randomUuid(): string;
}

/** JWTs and tickets: jose lives outside the domain. */
export interface JwtCodec {
  /** The claims of a JWT whose signature, issuer and time hold; undefined for any other text. Throws BACKEND_UNAVAILABLE where a key set can't be fetched. */
  verify(text: string): Promise<JwtClaims | undefined>;
  sign(claims: JwtClaims): Promise<string>;
}

/** The claims that are read; docs: control-plane "Identities and credentials". */
export interface JwtClaims {
  user_id: string;
  email?: string | undefined;
  username?: string | undefined;
  tier?: string | undefined;
  subscription_active?: boolean | undefined;
  /** Seconds since 1970. */
  exp: number;
  iat: number;
  sid?: string | undefined;
  mfa_pending?: boolean | undefined;
  /** Ours: the scope of the API token that this was made from; a JWT of a web UI has none and counts as "write" ("admin" for admins). */
  scope?: string | undefined;
  /** Ours: that token's hash, so that revoking it revokes this too. */
  token_hash?: string | undefined;
  /** Ours: it was made for looking, and changes nothing whatever its scope. */
  read_only?: boolean | undefined;
  /** Ours: a terminal ticket. */
  ticket?: { agent_id: string; session_id: string; new_session: boolean; read_only: boolean } | undefined;
}
