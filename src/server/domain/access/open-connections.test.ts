// Open connections, and what ends them.
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { AgentId, ShareId, UserId } from "../../../protocol/ids.ts";
import { OFFLINE_AFTER_MS, PING_INTERVAL_MS } from "../../../protocol/limits.ts";
import { aUser } from "../../../../test/support/identities.ts";
import { type ManualClock, manualClock } from "../../../../test/support/manual-clock.ts";
import { silentLogger } from "../../../../test/support/silent-logger.ts";
import type { AccessReview, EndedAccess, ReviewedAccess } from "./access-review.ts";
import type { Credential, User } from "./identity.ts";
import { DomainError } from "../domain-error.ts";
import type { DomainEvent } from "../events/events.ts";
import { type OpenConnection, OpenConnections } from "./open-connections.ts";

class FakeSocket implements OpenConnection {
  readonly agentId: AgentId;
  readonly userId: UserId;
  readonly ownerId: UserId;
  credential: Credential;
  readonly closes: string[] = [];
  pings = 0;
  ended = false;

  constructor(
    credential: Partial<Credential> = {},
    agentId = randomUUID() as AgentId,
    people: { userId?: UserId; ownerId?: UserId } = {},
  ) {
    this.agentId = agentId;
    this.userId = people.userId ?? (randomUUID() as UserId);
    this.ownerId = people.ownerId ?? this.userId;
    this.credential = { type: "api_token", ...credential };
  }

  close(code: number, reason: string): void {
    this.closes.push(`${code} ${reason}`);
  }

  ping(): void {
    this.pings++;
  }

  terminate(): void {
    this.ended = true;
  }
}

let publish: (event: DomainEvent) => void;
let listeners: number;
let connections: OpenConnections;
let clock: ManualClock;
let readUser: () => Promise<User | undefined>;
let review: AccessReview["review"];
const STANDS: ReviewedAccess = { ended: undefined, tokenExpiresAt: undefined };
const endedBy = (ended: EndedAccess): ReviewedAccess => ({ ...STANDS, ended });
beforeEach(() => {
  listeners = 0;
  clock = manualClock(0);
  const events = {
    publish: () => {},
    subscribe(listener: (event: DomainEvent) => void) {
      listeners++;
      publish = listener;
      return () => void listeners--;
    },
  };
  review = async (held) => held.map(() => STANDS);
  connections = new OpenConnections({
    events,
    users: { get: () => readUser() },
    accessReview: { review: (held, now) => review(held, now) },
    clock,
    log: silentLogger,
  });
});

function open(...args: ConstructorParameters<typeof FakeSocket>): FakeSocket {
  const connection = new FakeSocket(...args);
  connections.add(connection);
  return connection;
}

function tickAt(ms: number): void {
  clock.advance(ms - clock.now());
  connections.tick();
}

const userId = "user" as UserId;

describe("open connections", () => {
  it("can all be cut off, also those that were told to close", () => {
    const [told, other] = [open(), open()];
    told.close(1012, "server draining");
    connections.terminateAll();
    expect([told.ended, other.ended]).toEqual([true, true]);
  });

  it("end with a token that was shortened, though nobody has told of it", async () => {
    const [shortened, standing] = [
      open({ tokenHash: "shortened", tokenExpiresAtMs: 9_000 }),
      open({ tokenHash: "other" }),
    ];
    review = async (held) =>
      held.map(({ tokenHash }) =>
        tokenHash === "shortened" ? { ...STANDS, tokenExpiresAt: new Date(2_000) } : STANDS,
      );
    publish({ type: "access.uncertain" });
    await expect.poll(() => shortened.credential.tokenExpiresAtMs).toBe(2_000);
    tickAt(1_999);
    expect(shortened.closes).toEqual([]);
    tickAt(2_000);
    expect(shortened.closes).toEqual(["4401 invalid token"]);
    expect(standing.closes).toEqual([]);
  });

  it("close when events may have been missed, and what let them in stands no longer", async () => {
    const [revoked, standing] = [open({ tokenHash: "revoked" }), open({ tokenHash: "standing" })];
    review = async (held) => held.map(({ tokenHash }) => (tokenHash === "revoked" ? endedBy("TOKEN_INVALID") : STANDS));
    publish({ type: "access.uncertain" });
    await expect.poll(() => revoked.closes).toEqual(["4401 invalid token"]);
    expect(standing.closes).toEqual([]);
  });

  it("are looked at again where doubt comes while they are looked at, or while nobody can say", async () => {
    const connection = open({ tokenHash: "revoked" });
    const [first, second] = [Promise.withResolvers<ReviewedAccess[]>(), Promise.withResolvers<ReviewedAccess[]>()];
    const answers = [first.promise, second.promise, Promise.resolve([endedBy("TOKEN_INVALID")])];
    let asked = 0;
    review = () => answers[asked++]!;
    publish({ type: "access.uncertain" });
    publish({ type: "access.uncertain" });
    tickAt(0);
    expect(asked).toBe(1);
    first.resolve([STANDS]);
    await setImmediate();
    tickAt(1_000);
    expect(asked).toBe(2);
    second.reject(new DomainError("BACKEND_UNAVAILABLE"));
    await setImmediate();
    tickAt(2_000);
    await setImmediate();
    expect(connection.closes).toEqual(["4401 invalid token"]);
    tickAt(3_000);
    expect(asked).toBe(3);
  });

  it("stay where nobody can say whether they may, and are asked about again", async () => {
    const connection = open({ tokenHash: "revoked" });
    let asked = 0;
    review = () => Promise.reject(new DomainError(asked++ === 0 ? "BACKEND_UNAVAILABLE" : "INTERNAL"));
    publish({ type: "access.uncertain" });
    await expect.poll(() => asked).toBe(1);
    review = async () => [endedBy("AGENT_NOT_FOUND")];
    await expect
      .poll(() => {
        publish({ type: "access.uncertain" });
        return connection.closes[0];
      })
      .toBe("4404 agent not found");
  });

  it("close when the token that let them in, or that their JWT was made from, is revoked", () => {
    const [one, jwt, other, foreign] = [
      open({ tokenHash: "a" }),
      open({ type: "jwt", tokenHash: "a" }),
      open({ tokenHash: "b" }),
      open({ type: "jwt" }),
    ];
    publish({ type: "token.revoked", tokenHash: "a", userId });
    expect([one, jwt].map(({ closes }) => closes)).toEqual([["4401 invalid token"], ["4401 invalid token"]]);
    expect([...other.closes, ...foreign.closes]).toEqual([]);
  });

  it("close when their agent is deleted", () => {
    const agentId = randomUUID() as AgentId;
    const [one, other] = [open({}, agentId), open()];
    publish({ type: "agent.deleted", agentId, userId });
    expect(one.closes).toEqual(["4404 agent not found"]);
    expect(other.closes).toEqual([]);
  });

  it("close when the API token expires that let them in or made their ticket; a JWT itself was for entering only", () => {
    const token = open({ type: "api_token", expiresAtMs: 5_000, tokenExpiresAtMs: 5_000 });
    const ticket = open({ type: "ticket", expiresAtMs: 1_000, tokenExpiresAtMs: 5_000 });
    const jwt = open({ type: "jwt", expiresAtMs: 5_000 });
    const forever = open();
    tickAt(4_999);
    expect([token, ticket].flatMap(({ closes }) => closes)).toEqual([]);
    tickAt(5_000);
    expect([token, ticket].map(({ closes }) => closes)).toEqual([["4401 invalid token"], ["4401 invalid token"]]);
    expect([jwt, forever].flatMap(({ closes }) => closes)).toEqual([]);
  });

  it("close with the new end of a token that ends sooner than was said", () => {
    const [shortened, jwt, other] = [
      open({ tokenHash: "a", tokenExpiresAtMs: 9_000 }),
      open({ type: "jwt", tokenHash: "a" }),
      open({ tokenHash: "b", tokenExpiresAtMs: 9_000 }),
    ];
    for (const ms of [3_000, 5_000]) {
      publish({ type: "token.shortened", tokenHash: "a", userId, expiresAt: new Date(ms) });
    }
    tickAt(2_999);
    expect([shortened, jwt, other].flatMap(({ closes }) => closes)).toEqual([]);
    tickAt(3_000);
    expect([shortened, jwt].map(({ closes }) => closes)).toEqual([["4401 invalid token"], ["4401 invalid token"]]);
    expect(other.closes).toEqual([]);
  });

  it("close when their user is deleted, whatever let them in", () => {
    const [jwt, other] = [open({ type: "jwt" }, undefined, { userId }), open({ type: "jwt" })];
    publish({ type: "user.deleted", userId });
    expect(jwt.closes).toEqual(["4401 invalid token"]);
    expect(other.closes).toEqual([]);
  });

  it("to agents of others close when an admin is none any more, and those to their own stay", async () => {
    const [own, foreign] = [
      open({}, undefined, { userId, ownerId: userId }),
      open({}, undefined, { userId, ownerId: "owner" as UserId }),
    ];
    readUser = async () => aUser({ id: userId, admin: true });
    publish({ type: "user.updated", userId });
    await Promise.resolve();
    expect(foreign.closes).toEqual([]);
    readUser = async () => aUser({ id: userId });
    publish({ type: "user.updated", userId });
    await expect.poll(() => foreign.closes).toEqual(["4403 not authorized"]);
    expect(own.closes).toEqual([]);
  });

  it("to agents of others are asked about again where nobody could say whether their admin still is one", async () => {
    const foreign = open({}, undefined, { userId, ownerId: "owner" as UserId });
    let asked = 0;
    readUser = async () => {
      asked++;
      if (asked < 3) throw new Error("away");
      return aUser({ id: userId });
    };
    publish({ type: "user.updated", userId });
    await expect
      .poll(() => {
        connections.tick();
        return foreign.closes;
      })
      .toEqual(["4403 not authorized"]);
    expect(asked).toBe(3);
  });

  it("that are watched are pinged, and ended after 45 s of silence", () => {
    const [silent, heard, agent] = [open(), open(), open()];
    connections.watch(silent);
    connections.watch(heard);
    for (let now = 0; now <= OFFLINE_AFTER_MS; now += 1_000) {
      connections.heard(heard);
      tickAt(now);
    }
    expect(silent.pings).toBe(OFFLINE_AFTER_MS / PING_INTERVAL_MS - 1);
    expect([silent.ended, heard.ended, agent.ended]).toEqual([true, false, false]);
    expect(agent.pings).toBe(0);
  });

  it("are as silent as they are, and their tokens end by the time of day, when somebody sets the clock", () => {
    const [watched, token] = [open(), open({ tokenExpiresAtMs: 3_600_000 })];
    connections.watch(watched);
    clock.set(3_599_000);
    connections.tick();
    expect([watched.ended, token.closes]).toEqual([false, []]);
    clock.set(1_000);
    connections.tick();
    expect(token.closes).toEqual(["4401 invalid token"]);
    clock.set(-7_200_000);
    clock.advance(OFFLINE_AFTER_MS);
    connections.tick();
    expect(watched.ended).toBe(true);
  });

  it("of guests close with their share, whatever it is that ends it, and are told so in its words", async () => {
    const [shareId, other] = ["a" as ShareId, "b" as ShareId];
    const guest = () =>
      open({ type: "share", shareId, tokenHash: "t", tokenExpiresAtMs: 5_000 }, undefined, { userId });
    const ended = ["4401 share has ended"];
    const [revoked, another] = [guest(), open({ type: "share", shareId: other }, undefined, { userId: "x" as UserId })];
    publish({ type: "share.revoked", shareId, userId });
    expect(revoked.closes).toEqual(ended);
    for (const event of [
      { type: "token.revoked", tokenHash: "t", userId },
      { type: "user.deleted", userId },
    ] as const) {
      const one = guest();
      publish(event);
      expect(one.closes).toEqual(ended);
    }
    const expired = guest();
    tickAt(4_999);
    expect(expired.closes).toEqual([]);
    tickAt(5_000);
    expect(expired.closes).toEqual(ended);
    expect(another.closes).toEqual([]);

    const deleted = guest();
    publish({ type: "agent.deleted", agentId: deleted.agentId, userId });
    expect(deleted.closes).toEqual(["4404 agent not found"]);
    const missed = guest();
    review = async (held) => held.map((one) => (one.shareId === shareId ? endedBy("SHARE_ENDED") : STANDS));
    publish({ type: "access.uncertain" });
    await expect.poll(() => missed.closes).toEqual(ended);
    expect(another.closes).toEqual([]);
  });

  it("that are gone are closed no more", () => {
    const connection = open({ tokenHash: "a", tokenExpiresAtMs: 0 });
    connections.watch(connection);
    connections.delete(connection);
    publish({ type: "token.revoked", tokenHash: "a", userId });
    tickAt(OFFLINE_AFTER_MS);
    connections.closeAll(1012, "server draining");
    expect(connection.closes).toEqual([]);
    expect(connection.ended).toBe(false);
    expect(connections.size).toBe(0);
  });

  it("all close when the server drains, and nothing is listened to afterwards", () => {
    const both = [open(), open()];
    connections.closeAll(1012, "server draining");
    expect(both.map(({ closes }) => closes)).toEqual([["1012 server draining"], ["1012 server draining"]]);
    connections.dispose();
    expect(listeners).toBe(0);
  });
});
