// Streams end with what let them in.
import { Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aUser, userIdentity } from "../../../../test/support/identities.ts";
import type { Credential } from "../../domain/access/identity.ts";
import type { DomainEvent } from "../../domain/events/events.ts";
import { watchCredential, type WatchCredentialDeps } from "./watch-credential.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(credential: Partial<Credential>) {
  let listener: (event: DomainEvent) => void = () => {};
  const ended: string[] = [];
  const user = aUser();
  const deps = {
    clock: { now: () => Date.now() },
    events: { subscribe: (given: typeof listener) => ((listener = given), () => (listener = () => {})) },
  } as unknown as WatchCredentialDeps;
  const stop = watchCredential(deps, {
    path: "/s/m",
    caller: userIdentity(user, "read", credential),
    metadata: new Metadata(),
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

  it("that was never to end does so with its token, and not after it is over", () => {
    const [open, over] = [watched({ tokenHash: "a" }), watched({ tokenHash: "a" })];
    over.stop();
    for (const { publish, user } of [open, over]) {
      publish({ type: "token.shortened", tokenHash: "a", userId: user.id, expiresAt: inMs(1_000) });
    }
    vi.advanceTimersByTime(1_000);
    expect([open.ended, over.ended]).toEqual([["TOKEN_INVALID"], []]);
  });
});
