// What is revoked on one instance ends on all of them: within two seconds, and within fifteen where Redis is away.

import { credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { UserServiceClient } from "../../src/gen/rexec/user/v1/user_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { saysOn } from "../support/figures.ts";
import { authenticatorOf } from "../support/mfa.ts";
import type { MadeToken } from "../support/people.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import type { WireSocket } from "../wire/wire-socket.ts";

const LIMIT_MS = 2_000;
const WITHOUT_REDIS_LIMIT_MS = 15_000;

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
let three: TestServer;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 3, path: "direct" });
  [one, two, three] = cluster.servers as [TestServer, TestServer, TestServer];
});
afterAll(() => cluster.close());

let owner: User;
let token: MadeToken;
let agent: V2Agent;
let agentId: AgentId;
/** One on each instance; the agent is on the second. */
let viewers: V2Viewer[];
let strangerSocket: WireSocket;
beforeEach(async () => {
  owner = await cluster.addUser();
  token = await cluster.addToken(owner, { scopes: ["write"] });
  const registered = await cluster.addAgent(owner);
  ({ agentId } = registered);
  agent = await V2Agent.connect(two, registered);
  viewers = await Promise.all(
    cluster.servers.map((server) => V2Viewer.open(server.wsUrl, agentId, { token: token.secret })),
  );
  // Somebody whom all this does not concern.
  const stranger = await cluster.addUser();
  strangerSocket = (await V2Agent.connect(one, await cluster.addAgent(stranger))).wire;
});
afterEach(async () => {
  for (const { wire } of viewers) wire.socket.terminate();
  agent.wire.socket.terminate();
  expect(strangerSocket.socket.readyState).toBe(strangerSocket.socket.OPEN);
  strangerSocket.socket.terminate();
});

/** All of these are closed with the code within the limit of what `act` does. */
async function expectClosed(
  sockets: readonly WireSocket[],
  code: number,
  { limitMs = LIMIT_MS, act }: { limitMs?: number; act: () => Promise<unknown> },
): Promise<void> {
  const startMs = performance.now();
  await act();
  for (const { closed } of sockets) {
    const end = await closed;
    expect(end.code).toBe(code);
    expect(end.atMs - startMs).toBeLessThan(limitMs);
  }
}
const viewerSockets = () => viewers.map(({ wire }) => wire);
const revokeOn = (server: TestServer) => call(server.tokens, "revokeToken", { tokenId: token.id }, server.adminToken);

describe("on every instance", () => {
  it("a token that is revoked on one closes the viewers that came with it", async () => {
    await expectClosed(viewerSockets(), 4401, { act: () => revokeOn(one) });
    await agent.wire.settled();
  });

  it("an agent that is deleted on one is closed on the other, with its viewers", async () => {
    const act = () => call(three.agents, "deleteAgent", { agentId }, three.adminToken);
    const startMs = performance.now();
    await act();
    expect((await agent.wire.closed).atMs - startMs).toBeLessThan(LIMIT_MS);
    // Closed by the agent's end, or by that of the token that went with it.
    for (const { wire } of viewers) expect([4404, 4401]).toContain((await wire.closed).code);
  });

  it("a user who is deleted on one has no sockets on any", async () => {
    const users = new UserServiceClient(one.grpcAddress, credentials.createInsecure());
    await expectClosed(viewerSockets(), 4401, {
      act: () => call(users, "deleteUser", { userId: owner.id }, one.adminToken),
    });
    users.close();
  });

  it("an agent that is locked on one has no viewers without a grant on any", async () => {
    const mfa = new MfaServiceClient(one.grpcAddress, credentials.createInsecure());
    const enrolled = (await call(mfa, "enroll", {}, token.secret)) as { otpauthUrl: string };
    await call(mfa, "confirmEnrollment", { code: authenticatorOf(enrolled.otpauthUrl).code(Date.now()) }, token.secret);
    await expectClosed(viewerSockets(), 4423, { act: () => call(mfa, "lockAgent", { agentId }, token.secret) });
    mfa.close();
  });

  it("a token that is revoked on one opens nothing on another, though that has just seen it", async () => {
    await revokeOn(one);
    await expect
      .poll(() =>
        call(three.agents, "getAgent", { agentId }, token.secret).then(
          () => "answered",
          (error: unknown) => (error as ServiceError).code,
        ),
      )
      .toBe(16);
    await expect(V2Viewer.open(three.wsUrl, agentId, { token: token.secret })).rejects.toThrow();
  });
});

describe("while Redis says nothing", () => {
  beforeEach(() => cluster.redis.pause());
  afterEach(async () => {
    cluster.redis.resume();
    // All hear each other, and where agents are, before the next test begins.
    await saysOn(cluster.servers, { rexec_redis_up: 1, rexec_bus_up: 1 });
  });

  it("a token that is revoked on one closes its viewers on all, and nobody else's", async () => {
    await expectClosed(viewerSockets(), 4401, { limitMs: WITHOUT_REDIS_LIMIT_MS, act: () => revokeOn(one) });
    await agent.wire.settled();
  });

  it("what is typed reaches the agent, on its own instance and straight from another", async () => {
    await viewers[1]!.type("on the same instance");
    await viewers[0]!.type("from another");
    await agent.isTyped("on the same instance");
    await agent.isTyped("from another");
  });
});
