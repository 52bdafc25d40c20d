// From presented text to identity, and every way in which that fails.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { anUnknownToken, aShare, aToken, aUser } from "../../../../test/support/identities.ts";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import type { AgentId, TokenId, UserId } from "../../../protocol/ids.ts";
import { DomainError } from "../domain-error.ts";
import { authenticate, type AuthenticateDeps } from "./authenticate.ts";
import type { User } from "./identity.ts";
import type { ShareWithUser } from "../shares/share-store.ts";
import type { JwtClaims, LiveToken, TokenWithUser } from "./token.ts";

const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
const AGENT_ID = "6f1b1c9e-0000-4000-8000-000000000001" as AgentId;

/** A world of maps: what is in them is known. */
function world() {
  const clock = manualClock();
  const tokens = new Map<string, TokenWithUser>();
  const users = new Map<UserId, User>();
  const shares = new Map<string, ShareWithUser>();
  const jwts = new Map<string, JwtClaims>();
  const cached = new Map<string, LiveToken>();
  const used: TokenId[] = [];
  const lookups: string[] = [];
  const deps: AuthenticateDeps = {
    clock,
    secrets: { sha256Hex },
    tokens: {
      findByHash: async (hash) => {
        lookups.push(hash);
        return tokens.get(hash);
      },
    },
    users: { get: async (id) => users.get(id) },
    shares: { findByHash: async (hash) => shares.get(hash) },
    tokenCache: {
      get: (hash) => cached.get(hash),
      put: (hash, token) => void cached.set(hash, token),
    },
    jwt: { verify: async (text) => jwts.get(text) },
    tokenUsage: { note: (id) => void used.push(id) },
  };

  function addToken(user: User, fields: Partial<TokenWithUser> = {}): { text: string; token: TokenWithUser } {
    const text = anUnknownToken();
    const token = aToken(user, fields);
    tokens.set(sha256Hex(text), token);
    return { text, token };
  }

  function addJwt(user: User, claims: Partial<JwtClaims> = {}): string {
    users.set(user.id, user);
    const text = `aa.bb.${jwts.size}`;
    const iat = clock.now() / 1000;
    jwts.set(text, { user_id: user.id, iat, exp: iat + 900, ...claims });
    return text;
  }

  /** Of the agent's main, for a second from now. */
  function addShare(user: User, fields: Partial<ShareWithUser> = {}): { text: string; share: ShareWithUser } {
    const text = `rexec_share_${String(shares.size).padStart(48, "0")}`;
    const endsAt = new Date(clock.now() + 1_000);
    const share = { ...aShare({ userId: user.id, agentId: AGENT_ID }, { endsAt, ...fields }), user, ...fields };
    shares.set(sha256Hex(text), share);
    return { text, share };
  }

  return { clock, deps, tokens, users, cached, used, lookups, addToken, addJwt, addShare };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  return error instanceof DomainError ? error.reason : String(error);
}

describe("an API token", () => {
  it("is its user, with its strongest scope", async () => {
    const { deps, addToken } = world();
    const user = aUser();
    const { text, token } = addToken(user, { scopes: ["read", "write"] });
    expect(await authenticate(deps, text)).toEqual({
      kind: "user",
      user,
      scope: "write",
      credential: {
        type: "api_token",
        tokenHash: sha256Hex(text),
        tokenId: token.id,
        expiresAtMs: undefined,
        tokenExpiresAtMs: undefined,
        sid: token.id,
      },
    });
  });

  it("of scope agent is the agent it is bound to, whatever other scopes it claims", async () => {
    const { deps, addToken } = world();
    const { text } = addToken(aUser({ admin: true }), { scopes: ["admin", "agent"], agentId: AGENT_ID });
    expect(await authenticate(deps, text)).toMatchObject({ kind: "agent", agentId: AGENT_ID });
  });

  it("of scope agent without an agent is nobody", async () => {
    const { deps, addToken } = world();
    expect(await refusal(authenticate(deps, addToken(aUser(), { scopes: ["agent"] }).text))).toBe("TOKEN_INVALID");
  });

  it("of scope admin is worth write once its user is no admin", async () => {
    const { deps, addToken } = world();
    const { text } = addToken(aUser({ admin: false }), { scopes: ["admin"] });
    expect(await authenticate(deps, text)).toMatchObject({ scope: "write" });
  });

  it("is refused where it is unknown, revoked, expired or without a scope", async () => {
    const { deps, clock, addToken } = world();
    const user = aUser();
    const revoked = addToken(user, { revokedAt: new Date(0) });
    const expired = addToken(user, { expiresAt: new Date(clock.now()) });
    const scopeless = addToken(user, { scopes: [] });
    for (const text of [anUnknownToken(), revoked.text, expired.text, scopeless.text]) {
      expect(await refusal(authenticate(deps, text))).toBe("TOKEN_INVALID");
    }
  });

  it("expires while it is cached", async () => {
    const { deps, clock, addToken } = world();
    const { text } = addToken(aUser(), { expiresAt: new Date(clock.now() + 1000) });
    await authenticate(deps, text);
    clock.advance(1000);
    expect(await refusal(authenticate(deps, text))).toBe("TOKEN_INVALID");
  });

  it("is looked up once, and cached under its hash only", async () => {
    const { deps, cached, lookups, used, addToken } = world();
    const { text, token } = addToken(aUser());
    await authenticate(deps, text);
    await authenticate(deps, text);
    expect(lookups).toEqual([sha256Hex(text)]);
    expect(JSON.stringify([...cached])).not.toContain(text.slice(12));
    expect(used).toEqual([token.id, token.id]);
  });

  it.each(["", "rexec_", "rexec_zz", "a".repeat(64), "Bearer x"])("is not %j", async (text) => {
    const { deps, lookups } = world();
    expect(await refusal(authenticate(deps, text))).toBe("TOKEN_INVALID");
    expect(lookups).toEqual([]);
  });

  it("that can't be looked up is not called invalid", async () => {
    const { deps } = world();
    deps.tokens = { findByHash: () => Promise.reject(new Error("connection refused")) };
    expect(await refusal(authenticate(deps, anUnknownToken()))).toBe("BACKEND_UNAVAILABLE");
  });
});

describe("a JWT", () => {
  it("is its user as the store knows it, not as its claims say", async () => {
    const { deps, addJwt } = world();
    const user = aUser({ plan: "free" });
    const text = addJwt(user, { tier: "enterprise", sid: "login-1" });
    expect(await authenticate(deps, text)).toMatchObject({
      kind: "user",
      user: { plan: "free" },
      scope: "write",
      credential: { type: "jwt", sid: "login-1" },
    });
  });

  it("of an admin has admin scope, and that of another has not, whatever it claims", async () => {
    const { deps, addJwt } = world();
    expect(await authenticate(deps, addJwt(aUser({ admin: true })))).toMatchObject({ scope: "admin" });
    expect(await authenticate(deps, addJwt(aUser(), { scope: "admin" }))).toMatchObject({ scope: "write" });
  });

  it("made for looking keeps its scope, and that it changes nothing", async () => {
    const { deps, addJwt } = world();
    const jwt = addJwt(aUser({ admin: true }), { read_only: true });
    expect(await authenticate(deps, jwt)).toMatchObject({ scope: "admin", credential: { readOnly: true } });
  });

  it("of a half-finished login is no user", async () => {
    const { deps, addJwt } = world();
    expect(await authenticate(deps, addJwt(aUser(), { mfa_pending: true }))).toMatchObject({ kind: "mfa_pending" });
  });

  it("is refused where it is unknown, expired, of an unknown scope, or its user is gone", async () => {
    const { deps, clock, users, addJwt } = world();
    const deleted = aUser();
    const orphan = addJwt(deleted);
    users.delete(deleted.id);
    const expired = addJwt(aUser(), { exp: clock.now() / 1000 });
    for (const text of [
      "xx.yy.zz",
      orphan,
      expired,
      addJwt(aUser(), { scope: "root" }),
      addJwt(aUser(), { user_id: "1" }),
    ]) {
      expect(await refusal(authenticate(deps, text))).toBe("TOKEN_INVALID");
    }
  });

  it("longer than any honest one is not looked at", async () => {
    const { deps } = world();
    deps.jwt = { verify: () => Promise.reject(new Error("looked at")) };
    expect(await refusal(authenticate(deps, `aa.bb.${"c".repeat(10_000)}`))).toBe("TOKEN_INVALID");
  });

  it("made from a token has no more rights than the token has", async () => {
    const { deps, addJwt, addToken } = world();
    const user = aUser();
    const { text: token } = addToken(user, { scopes: ["read"] });
    const jwt = addJwt(user, { scope: "write", token_hash: sha256Hex(token) });
    expect(await authenticate(deps, jwt)).toMatchObject({ scope: "read", credential: { tokenHash: sha256Hex(token) } });
  });

  it("made from a token ends with it", async () => {
    const { deps, tokens, addJwt, addToken } = world();
    const user = aUser();
    const { text, token } = addToken(user);
    const jwt = addJwt(user, { token_hash: sha256Hex(text) });
    tokens.set(sha256Hex(text), { ...token, revokedAt: new Date(0) });
    expect(await refusal(authenticate(deps, jwt))).toBe("TOKEN_INVALID");
  });

  it("that names another user's token is refused", async () => {
    const { deps, addJwt, addToken } = world();
    const { text } = addToken(aUser());
    expect(await refusal(authenticate(deps, addJwt(aUser(), { token_hash: sha256Hex(text) })))).toBe("TOKEN_INVALID");
  });

  it("made from an agent's token is refused", async () => {
    const { deps, addJwt, addToken } = world();
    const user = aUser();
    const { text } = addToken(user, { scopes: ["agent"], agentId: AGENT_ID });
    expect(await refusal(authenticate(deps, addJwt(user, { token_hash: sha256Hex(text) })))).toBe("TOKEN_INVALID");
  });

  it("whose keys can't be fetched is not called invalid", async () => {
    const { deps } = world();
    deps.jwt = { verify: () => Promise.reject(new Error("no route")) };
    expect(await refusal(authenticate(deps, "aa.bb.cc"))).toBe("BACKEND_UNAVAILABLE");
  });
});

describe("a terminal ticket", () => {
  const ticket = { agent_id: AGENT_ID, session_id: "split-x", new_session: true, read_only: false };

  it("carries the one terminal it opens", async () => {
    const { deps, addJwt } = world();
    expect(await authenticate(deps, addJwt(aUser(), { ticket }))).toMatchObject({
      credential: {
        type: "ticket",
        ticket: { agentId: AGENT_ID, sessionId: "split-x", newSession: true, readOnly: false },
      },
    });
  });

  it("for no agent or no session is refused", async () => {
    const { deps, addJwt } = world();
    const wrong = [
      { ...ticket, agent_id: "x" },
      { ...ticket, session_id: "other" },
    ];
    for (const one of wrong) {
      expect(await refusal(authenticate(deps, addJwt(aUser(), { ticket: one })))).toBe("TOKEN_INVALID");
    }
  });
});

describe("the secret of a share", () => {
  it("is a guest of who shares, for that share alone, with its end and the token that it was made with", async () => {
    const { deps, addShare } = world();
    const sharer = aUser();
    const { text, share } = addShare(sharer, { tokenHash: "hash" });
    const { user, tokenHash, ...told } = share;
    expect(await authenticate(deps, text)).toEqual({
      kind: "guest",
      user: sharer,
      share: told,
      credential: {
        type: "share",
        shareId: share.id,
        tokenHash: "hash",
        expiresAtMs: share.endsAt.getTime(),
        tokenExpiresAtMs: share.endsAt.getTime(),
      },
    });
    expect(user).toBe(sharer);
    expect(tokenHash).toBe("hash");
  });

  it("ends at its time, and when it is revoked", async () => {
    const { deps, clock, addShare } = world();
    const [expiring, revoked] = [addShare(aUser()), addShare(aUser(), { isRevoked: true })];
    expect(await refusal(authenticate(deps, revoked.text))).toBe("SHARE_ENDED");
    clock.advance(999);
    expect(await authenticate(deps, expiring.text)).toMatchObject({ kind: "guest" });
    clock.advance(1);
    expect(await refusal(authenticate(deps, expiring.text))).toBe("SHARE_ENDED");
  });

  it("that nobody has made, or that is longer or shorter, is none", async () => {
    const { deps, addShare } = world();
    const { text } = addShare(aUser());
    for (const other of [text.replace(/0$/, "1"), `${text}0`, text.slice(0, -1), text.toUpperCase()]) {
      expect(await refusal(authenticate(deps, other))).toBe("TOKEN_INVALID");
    }
  });

  it("is not called ended where nobody knows", async () => {
    const { deps, addShare } = world();
    const { text } = addShare(aUser());
    const away = { ...deps, shares: { findByHash: () => Promise.reject(new Error("down")) } };
    expect(await refusal(authenticate(away, text))).toBe("BACKEND_UNAVAILABLE");
  });
});
