// One instance of several that can't reach Redis: what is revoked there the others can't hear, and they find out.

import { afterAll, beforeAll, expect, it } from "vitest";
import { saysOn } from "../support/figures.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

const CLOSED_WITHIN_MS = 15_000;

let cluster: TestCluster;
let one: TestServer;
let cutOff: TestServer;
let network: TcpProxy;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 1, path: "direct" });
  one = cluster.servers[0]!;
  network = await startTcpProxy({ host: "127.0.0.1", port: cluster.redis.port });
  const redisUrl = network.through(cluster.redis.url);
  cutOff = await cluster.add({ cluster: { redisUrl, peer: { host: "127.0.0.1", port: 0 } } });
});
afterAll(async () => {
  await cluster.close();
  await network.close();
});

it("a token that is revoked there closes its viewers elsewhere within 15 s, and nobody else's", async () => {
  const owner = await cluster.addUser();
  const [token, other] = [
    await cluster.addToken(owner, { scopes: ["write"] }),
    await cluster.addToken(owner, { scopes: ["write"] }),
  ];
  const agent = await V2Agent.connect(one, await cluster.addAgent(owner));
  const [viewer, bystander] = await Promise.all(
    [token, other].map(({ secret }) => V2Viewer.open(one.wsUrl, agent.agentId, { token: secret })),
  );
  await saysOn(cluster.servers, { rexec_redis_up: 1, rexec_bus_up: 1, rexec_other_instances: 1 });
  await network.cut();
  await saysOn([cutOff], { rexec_redis_up: 0 });

  const startMs = performance.now();
  await call(cutOff.tokens, "revokeToken", { tokenId: token.id }, cutOff.adminToken);
  const end = await viewer!.wire.closed;
  expect(end.code).toBe(4401);
  expect(end.atMs - startMs).toBeLessThan(CLOSED_WITHIN_MS);
  await bystander!.type("still here");
  await agent.isTyped("still here");

  await network.mend();
  await saysOn(cluster.servers, { rexec_redis_up: 1, rexec_bus_up: 1 });
  bystander!.wire.socket.terminate();
  agent.wire.socket.terminate();
});
