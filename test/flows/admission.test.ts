// Who gets in from an address that has failed too often: whoever was seen, and of others a few at a time.
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { anUnknownToken, aToken, aUser } from "../support/identities.ts";
import { manualClock } from "../support/manual-clock.ts";
import { NO_LIMITS } from "../support/test-server.ts";
import { createAttemptLimits } from "../../src/server/adapters/memory/attempt-limits.ts";
import { createSeenTokens } from "../../src/server/adapters/memory/seen-tokens.ts";
import { createTokenCache } from "../../src/server/adapters/memory/token-cache.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import { authenticateFrom, type AuthenticateFromDeps } from "../../src/server/domain/access/admission.ts";
import type { JwtClaims, TokenWithUser } from "../../src/server/domain/access/token.ts";

const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex");
const HOUR_MS = 3_600_000;
/** More than may be looked up at once. */
const MANY = 40;

/** One failure a minute is let through from each address. */
function door() {
  const clock = manualClock();
  const tokens = new Map<string, TokenWithUser>();
  const jwts = new Map<string, JwtClaims>();
  let lookUps = 0;
  const deps: AuthenticateFromDeps = {
    clock,
    secrets: { sha256Hex },
    tokens: {
      findByHash: async (hash) => {
        lookUps++;
        return tokens.get(hash);
      },
    },
    users: { get: async () => undefined },
    shares: {
      findByHash: async () => {
        lookUps++;
        return undefined;
      },
    },
    tokenCache: createTokenCache({ clock }),
    jwt: { verify: async (text) => jwts.get(text) },
    tokenUsage: { note: () => {} },
    attempts: createAttemptLimits({ clock, rates: { ...NO_LIMITS, authFailuresPerAddress: 1 } }),
    seenTokens: createSeenTokens(),
  };

  /** "in", or why not. */
  async function knock(presented: string, network = "192.0.2.1"): Promise<string> {
    try {
      await authenticateFrom(deps, { presented, peer: { address: network, network } });
      return "in";
    } catch (error) {
      return error instanceof DomainError ? error.reason : String(error);
    }
  }

  return {
    clock,
    knock,
    lookUps: () => lookUps,
    async guess(times = MANY): Promise<void> {
      for (let n = 0; n < times; n++) await knock(anUnknownToken());
    },
    add(fields: Partial<TokenWithUser> = {}) {
      const text = anUnknownToken();
      const hash = sha256Hex(text);
      const user = aUser();
      tokens.set(hash, aToken(user, fields));
      const iat = clock.now() / 1000;
      const jwt = `aa.bb.${jwts.size}`;
      jwts.set(jwt, { user_id: user.id, iat, exp: iat + 900, token_hash: hash });
      return { text, jwt, revoke: () => void tokens.set(hash, aToken(user, { ...fields, revokedAt: new Date(0) })) };
    },
  };
}

describe("an address with too many failures", () => {
  it("lets in a token that was seen hours ago, when the cache has long lost it", async () => {
    const { clock, knock, guess, add } = door();
    const { text } = add();
    expect(await knock(text)).toBe("in");
    clock.advance(9 * HOUR_MS);
    await guess();
    expect(await knock(text)).toBe("in");
  });

  it("lets in no token that was seen and then revoked, and has it looked up no more than others", async () => {
    const { clock, knock, guess, add, lookUps } = door();
    const { text, revoke } = add();
    await knock(text);
    revoke();
    clock.advance(HOUR_MS);
    await guess();
    const before = lookUps();
    for (let n = 0; n < MANY; n++) expect(await knock(text)).toBe("TOO_MANY_ATTEMPTS");
    expect(lookUps() - before).toBe(1);
  });

  it("lets in everybody else within seconds, however many guess at one a second", async () => {
    const { clock, knock, guess, add } = door();
    await guess();
    const others = Array.from({ length: MANY }, () => add().text);
    for (let second = 0; others.length > 0 && second < 10; second++) {
      clock.advance(1000);
      await guess(1);
      for (const text of [...others]) if ((await knock(text)) === "in") others.splice(others.indexOf(text), 1);
    }
    expect(others).toEqual([]);
  });

  it("has few tokens looked up, however many are tried", async () => {
    const { clock, knock, guess, add, lookUps } = door();
    await guess(1000);
    expect(lookUps()).toBeLessThanOrEqual(12);
    const { text } = add();
    expect(await knock(text)).toBe("TOO_MANY_ATTEMPTS");
    clock.advance(100);
    expect(await knock(text)).toBe("in");
  });

  it("has few secrets of shares looked up, as many as tokens", async () => {
    const { knock, lookUps } = door();
    for (let n = 0; n < 1000; n++) await knock(`rexec_share_${randomBytes(24).toString("hex")}`);
    expect(lookUps()).toBeLessThanOrEqual(12);
    expect(await knock(anUnknownToken())).toBe("TOO_MANY_ATTEMPTS");
  });

  it("lets in a JWT that is made from a token, though neither was seen", async () => {
    const { knock, guess, add } = door();
    await guess();
    const { text, jwt } = add();
    expect(await knock(text)).toBe("TOO_MANY_ATTEMPTS");
    expect(await knock(jwt)).toBe("in");
  });

  it("keeps nobody of another address out", async () => {
    const { knock, guess, add } = door();
    await guess();
    expect(await knock(add().text, "192.0.2.2")).toBe("in");
  });
});
