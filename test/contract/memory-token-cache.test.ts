// The token cache in process.
import { describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { LiveToken, TokenWithUser } from "../../src/server/domain/access/token.ts";
import { createTokenCache } from "../../src/server/adapters/memory/token-cache.ts";
import { aToken, aUser } from "../support/identities.ts";
import { manualClock } from "../support/manual-clock.ts";

const token = aToken(aUser());
/** What is asked of a token that is presented; its name and the like are not kept. */
const kept = ({ id, userId, scopes, user }: TokenWithUser): LiveToken => ({ id, userId, scopes, user });
const FIVE_MINUTES_MS = 5 * 60_000;

describe("the token cache", () => {
  it("holds a token for five minutes", () => {
    const clock = manualClock();
    const cache = createTokenCache({ clock });
    cache.put("hash", token);
    clock.advance(FIVE_MINUTES_MS - 1);
    expect(cache.get("hash")).toEqual(kept(token));
    clock.advance(2);
    expect(cache.get("hash")).toBeUndefined();
  });

  it("keeps until when a token holds, and for which agent", () => {
    const cache = createTokenCache({ clock: manualClock() });
    const ofAgent = { scopes: ["agent" as const], agentId: "agent" as AgentId, expiresAt: new Date(5) };
    cache.put("hash", aToken(aUser(), ofAgent));
    expect(cache.get("hash")).toMatchObject(ofAgent);
  });

  it("holds it no longer where somebody sets the clock back", () => {
    const clock = manualClock();
    const cache = createTokenCache({ clock });
    cache.put("hash", token);
    clock.set(-3_600_000);
    clock.advance(FIVE_MINUTES_MS + 1);
    expect(cache.get("hash")).toBeUndefined();
  });

  it("forgets at once", () => {
    const cache = createTokenCache({ clock: manualClock() });
    cache.put("hash", token);
    cache.forget("hash");
    expect(cache.get("hash")).toBeUndefined();
  });

  it("takes no token that was revoked while it was being looked up", () => {
    const clock = manualClock();
    const cache = createTokenCache({ clock });
    cache.forget("hash");
    clock.advance(30_000);
    cache.put("hash", token);
    expect(cache.get("hash")).toBeUndefined();
  });

  it("forgets every token of a user, and takes none that was being looked up when the user changed", () => {
    const cache = createTokenCache({ clock: manualClock() });
    const other = aToken(aUser());
    cache.put("one", token);
    cache.put("two", { ...token });
    cache.put("other", other);
    cache.forgetUser(token.userId);
    cache.put("one", token);
    expect([cache.get("one"), cache.get("two")]).toEqual([undefined, undefined]);
    expect(cache.get("other")).toEqual(kept(other));
  });

  it("is bounded, and keeps what was used last", () => {
    const cache = createTokenCache({ clock: manualClock(), maxEntries: 2 });
    cache.put("a", token);
    cache.put("b", token);
    cache.get("a");
    cache.put("c", token);
    expect(cache.get("a")).toEqual(kept(token));
    expect(cache.get("b")).toBeUndefined();
  });
});
