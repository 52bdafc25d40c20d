// Streams end with what let them in.
import { Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aToken, aUser, userIdentity } from "../../../../test/support/identities.ts";
import type { Credential } from "../../domain/access/identity.ts";
import type { DomainEvent } from "../../domain/events/events.ts";
import { watchCredential, type WatchCredentialDeps } from "./watch-credential.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** `admit`: what looking at the credential again comes to, in turn; then it is good for ever. */
function watched(credential: Partial<Credential>, findByHash: (() => Promise<unknown>)[] = []) {
  let listener: (event: DomainEvent) => void = () => {};
  const ended: string[] = [];
  const user = aUser();
  const secret = `rexec_${"0".repeat(64)}`;
  const good = aToken(user, { scopes: ["read"] });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${secret}`);
  const deps = {
    secrets: { sha256Hex: () => credential.tokenHash ?? "a" },
    tokens: { findByHash: () => (findByHash.shift() ?? (async () => good))() },
    tokenCache: { get: () => undefined, put: () => {} },
    tokenUsage: { note: () => {} },
    refusals: { note: () => {} },
    attempts: { authFailures: { waitMs: async () => 0, tryTake: async () => true } },
    seenTokens: { has: () => false, add: () => {}, forget: () => {} },
    trustedProxies: { check: () => false },
    clock: { now: () => Date.now() },
    events: { subscribe: (given: typeof listener) => ((listener = given), () => (listener = () => {})) },
  } as unknown as WatchCredentialDeps;
  const stop = watchCredential(deps, {
    path: "/rexec.agent.v1.AgentService/WatchAgents",
    caller: userIdentity(user, "read", credential),
    metadata,
    peer: "",
    giveUp: (error) => void ended.push(error.reason),
  });
  return { ended, stop, user, publish: (event: DomainEvent) => listener(event) };
}

const inMs = (ms: number) => new Date(Date.now() + ms);

describe("a stream", () => {
  it("ends with the new end of a token that ends sooner than was said", () => {
    const { ended, publish, user } = watched({ tokenHash: "a", expiresAtMs: Date.now() + 60_000 });
    publish({ type: "token.shortened", tokenHash: "b", userId: user.id, expiresAt: inMs(100) });
    publish({ type: "token.shortened", tokenHash: "a", userId: user.id, expiresAt: inMs(5_000) });
    vi.advanceTimersByTime(4_999);
    expect(ended).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ended).toEqual(["TOKEN_INVALID"]);
    vi.advanceTimersByTime(60_000);
    expect(ended).toHaveLength(1);
  });

  it("that a JWT let in does not outlive the JWT, however late its token ends", () => {
    const { ended, publish, user } = watched({ type: "jwt", tokenHash: "a", expiresAtMs: Date.now() + 1_000 });
    publish({ type: "token.shortened", tokenHash: "a", userId: user.id, expiresAt: inMs(5_000) });
    vi.advanceTimersByTime(1_000);
    expect(ended).toEqual(["TOKEN_INVALID"]);
  });

  it("ends soon after somebody has set the clock beyond its token's end", () => {
    const { ended } = watched({ tokenHash: "a", expiresAtMs: Date.now() + 3_600_000 });
    vi.advanceTimersByTime(1_000);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(10_000);
    expect(ended).toEqual(["TOKEN_INVALID"]);
  });

  it("that was never to end does so with its token, and not after it is over", () => {
    const [open, over] = [watched({ tokenHash: "a" }), watched({ tokenHash: "a" })];
    over.stop();
    for (const { publish, user } of [open, over]) {
      publish({ type: "token.shortened", tokenHash: "a", userId: user.id, expiresAt: inMs(1_000) });
    }
    vi.advanceTimersByTime(1_000);
    expect([open.ended, over.ended]).toEqual([["TOKEN_INVALID"], []]);
  });

  it("whose token was revoked while it was admitted ends at once", async () => {
    const { ended } = watched({ tokenHash: "a" }, [async () => undefined]);
    await vi.waitFor(() => expect(ended).toEqual(["TOKEN_INVALID"]));
  });

  it("is looked at again each second while nobody knows, and no more once it is over", async () => {
    const away = () => Promise.reject(new Error("away"));
    const asked: number[] = [];
    const counted = (answer: () => Promise<unknown>) => () => (asked.push(Date.now()), answer());
    const startMs = Date.now();
    const { ended } = watched({ tokenHash: "a" }, [counted(away), counted(away), counted(async () => undefined)]);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(ended).toEqual(["TOKEN_INVALID"]);
    expect(asked.map((at) => at - startMs)).toEqual([0, 1_000, 2_000]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toHaveLength(3);
  });
});
