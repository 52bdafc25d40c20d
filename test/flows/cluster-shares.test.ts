// Guests on one instance of an agent that another holds: revoked within two seconds, as many as the share says.

import { credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { ShareServiceClient } from "../../src/gen/rexec/share/v1/share_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { saysOn } from "../support/figures.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const LIMIT_MS = 2_000;
const WITHOUT_REDIS_LIMIT_MS = 15_000;
const ENDED = { code: 4401, reason: "share has ended" };

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
/** Of the first. */
let shares: ShareServiceClient;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
  shares = new ShareServiceClient(one.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  shares.close();
  await cluster.close();
});

let owner: User;
let token: string;
let agentId: AgentId;
/** On the first instance. */
let agent: V2Agent;
/** The owner's, which has started main. */
let viewer: V2Viewer;
beforeEach(async () => {
  owner = await cluster.addUser();
  token = (await cluster.addToken(owner, { scopes: ["write"] })).secret;
  const registered = await cluster.addAgent(owner);
  ({ agentId } = registered);
  agent = await V2Agent.connect(one, registered);
  viewer = await V2Viewer.open(one.wsUrl, agentId, { token });
});
afterEach(() => {
  viewer.wire.socket.terminate();
  agent.wire.socket.terminate();
});

const create = async (fields: { access?: number; maxViewers?: number } = {}) => {
  const request = { agentId, sessionId: "", access: 2, lifetime: undefined, maxViewers: 0, requestId: "", ...fields };
  return (await call(shares, "createShare", request, token)) as { share: { id: string }; secret: string };
};
const join = (server: TestServer, secret: string) => V2Viewer.open(server.wsUrl, agentId, { token: secret });

async function expectClosed(
  guests: readonly V2Viewer[],
  end: { code: number; reason: string },
  { limitMs = LIMIT_MS, act }: { limitMs?: number; act: () => Promise<unknown> },
): Promise<void> {
  const startMs = performance.now();
  await act();
  for (const { wire } of guests) {
    const { atMs, ...how } = await wire.closed;
    expect(how).toEqual(end);
    expect(atMs - startMs).toBeLessThan(limitMs);
  }
}

describe("a guest on another instance than the agent", () => {
  it("sees and types, and is closed within two seconds of the revocation, on every instance", async () => {
    const { secret, share } = await create();
    const guests = [await join(two, secret), await join(one, secret)];
    await guests[0]!.type("typed by a guest");
    await agent.isTyped("typed by a guest");
    agent.output("for everybody");
    await guests[0]!.sees("for everybody");
    await expectClosed(guests, ENDED, { act: () => call(shares, "revokeShare", { shareId: share.id }, token) });
    await expect(join(two, secret)).rejects.toThrow("share has ended");
    await viewer.wire.settled();
  });

  it("is closed when the agent is locked on its own instance", async () => {
    const { secret } = await create();
    const guest = await join(two, secret);
    const mfa = new MfaServiceClient(one.grpcAddress, credentials.createInsecure());
    const enrolled = (await call(mfa, "enroll", {}, token)) as { otpauthUrl: string };
    await call(mfa, "confirmEnrollment", { code: authenticatorOf(enrolled.otpauthUrl).code(Date.now()) }, token);
    await expectClosed(
      [guest],
      { code: 4423, reason: "mfa verification required" },
      {
        act: () => call(mfa, "lockAgent", { agentId }, token),
      },
    );
    mfa.close();
  });

  it("starts no shell where main has ended and begun anew", async () => {
    const { secret } = await create();
    // The shares of a session that ended are of no later one: this one began at another time than what was shared.
    const stream = (await viewer.opened).stream;
    agent.wire.control({
      $case: "sessionEnded",
      value: { stream, sessionId: "main", endOffset: 0, exitCode: 0, reason: "exited" },
    });
    await viewer.wire.closed;
    const anew = { stream: 99, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 77_000 };
    agent.wire.control({ $case: "sessionStarted", value: anew });
    await agent.wire.settled();
    for (const server of [one, two]) {
      const guest = await V2Viewer.dial(server.wsUrl, agentId, { token: secret });
      guest.sendOpen();
      expect(await guest.wire.closed).toMatchObject({ code: 4404 });
    }
    expect(agent.attached).toHaveLength(1);
  });
});

it("no more than max_viewers get in, however many come to all instances at once", async () => {
  const { secret } = await create({ maxViewers: 5 });
  const knocks = Array.from({ length: 40 }, async (_, i) => {
    const { wsUrl } = cluster.servers[i % 2]!;
    const url = `${wsUrl}/ws/agent/${agentId}/terminal`;
    return WireSocket.dial(url, { token: secret, protocols: ["rexec.v2"] });
  });
  const settled = await Promise.allSettled(knocks);
  const inside = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const refused = settled.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
  expect(inside).toHaveLength(5);
  expect(refused.filter((text) => text.includes("SHARE_FULL"))).toHaveLength(35);
  await inside[0]!.close();
  await expect
    .poll(() =>
      join(two, secret).then(
        ({ wire }) => wire.close(),
        () => undefined,
      ),
    )
    .toBeDefined();
  for (const socket of inside) socket.socket.terminate();
});

describe("while Redis says nothing", () => {
  afterEach(async () => {
    cluster.redis.resume();
    await saysOn(cluster.servers, { rexec_redis_up: 1, rexec_bus_up: 1 });
  });

  it("a guest on another instance is closed by the look at what may have been missed", async () => {
    const { secret, share } = await create();
    const guest = await join(two, secret);
    cluster.redis.pause();
    const act = () => call(shares, "revokeShare", { shareId: share.id }, token);
    await expectClosed([guest], ENDED, { limitMs: WITHOUT_REDIS_LIMIT_MS, act });
  });
});
