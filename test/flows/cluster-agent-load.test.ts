// The load of agents, followed on another instance than theirs: it crosses while somebody follows it, and only then.

import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentServiceService, WatchAgentStatsRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { watch } from "../support/grpc-watch.ts";
import { openTestRedis } from "../support/open-redis.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import type { TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";

const NO_STATS = {
  measuredAt: undefined,
  memoryUsedBytes: undefined,
  memoryTotalBytes: undefined,
  diskUsedBytes: undefined,
  diskTotalBytes: undefined,
};
/** 25 bytes of header, 16 of seal, and `{"from":"instance-1","events":[]}`. */
const EMPTY_BATCH_BYTES = 25 + 16 + 33;

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
});
afterAll(() => cluster.close());

/** What instances tell each other. */
async function overhear(): Promise<Buffer[]> {
  const heard: Buffer[] = [];
  const spy = openTestRedis(cluster.redis.url);
  await spy.until("up");
  await spy.subscriber.subscribe("rexec:events", (message) => heard.push(message));
  return heard;
}

it("is sent while somebody watches, and no more half a minute later", async () => {
  const agent = await V2Agent.connect(one);
  const heard = await overhear();
  const report = () => agent.wire.control({ $case: "stats", value: { ...NO_STATS, cpuPercent: 7 } });
  /** Whether a report goes to other instances: of what is heard behind it, all is empty where it does not. */
  async function isSent(): Promise<boolean> {
    report();
    await agent.wire.settled();
    const before = heard.length;
    await expect.poll(() => heard.length, { interval: 20 }).toBeGreaterThan(before + 2);
    return heard.slice(before).some(({ length }) => length > EMPTY_BATCH_BYTES);
  }
  // What has to be told of the agent itself is told first.
  await expect.poll(isSent).toBe(false);
  const request = WatchAgentStatsRequest.fromPartial({});
  const open = watch(two.running.grpcPort, AgentServiceService.watchAgentStats, request, two.adminToken);
  const reporting = setInterval(report, 300);
  const { agentId, stats } = await open.next().finally(() => clearInterval(reporting));
  expect([agentId, stats?.cpuPercent]).toEqual([agent.agentId, 7]);
  open.cancel();
  expect(await isSent()).toBe(true);
  await expect.poll(isSent, { timeout: 60_000, interval: 1_000 }).toBe(false);
  agent.wire.socket.terminate();
}, 120_000);
