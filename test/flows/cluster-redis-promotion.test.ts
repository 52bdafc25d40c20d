// Two instances on a Redis Cluster that loses a master, and has its replica take over. Terminals of agents that are held
// here go on meanwhile, the others come back by themselves, and no byte is lost or doubled either way.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { saysOn } from "../support/figures.ts";
import { startRedisCluster, type TestRedisCluster } from "../support/redis.ts";
import { startStreamAgent } from "../support/stream-agent.ts";
import { checkBothWays, openStreamViewer, type StreamViewer } from "../support/stream-checker.ts";
import { startTestCluster } from "../support/test-cluster.ts";
import type { TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

const BYTES_PER_SECOND = 60_000;
const HEALED_WITHIN_MS = 15_000;
/** Of a terminal that needs no Redis, on a machine with much to do; the others wait for the promotion, four seconds or more. */
const LONGEST_SILENCE_MS = 3_000;
/** So many that some have their location on each of three masters. */
const OTHER_AGENTS = 12;

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startStream(
  agentAt: TestServer,
  viewerAt: TestServer,
): Promise<{ viewer: StreamViewer; inputFile: string }> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-promotion-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const registered = await agentAt.registerAgent(randomUUID());
  const options = { wsUrl: agentAt.wsUrl, ...registered, directory, bytesPerSecond: BYTES_PER_SECOND };
  const { agent, inputFile } = await startStreamAgent(options);
  cleanUps.push(() => agent.stop("test over"));
  const { agentId } = registered;
  const viewer = openStreamViewer({ wsUrl: viewerAt.wsUrl, agentId, token: agentAt.adminToken });
  cleanUps.push(() => viewer.terminal.close());
  return { viewer, inputFile };
}

/** How long the viewer got nothing at most, until it is asked. */
function watchSilence(viewer: StreamViewer): () => number {
  let last = { bytes: viewer.checkedBytes, atMs: performance.now() };
  let longestMs = 0;
  const look = (): void => {
    const atMs = performance.now();
    longestMs = Math.max(longestMs, atMs - last.atMs);
    if (viewer.checkedBytes > last.bytes) last = { bytes: viewer.checkedBytes, atMs };
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    look();
    return longestMs;
  };
}

/** The master that has the channel which begins so. */
async function masterWith(redis: TestRedisCluster, channel: string) {
  for (const node of redis.nodes) {
    const [found] = await node.ask<string[]>("PUBSUB", "SHARDCHANNELS", `${channel}*`);
    if (found !== undefined) return redis.masterOf(found);
  }
  throw new Error(`nobody listens to ${channel}`);
}

it.each([
  ["direct", "rexec:events"],
  ["redis", "rexec:to:"],
] as const)("by the path %s, the master with %s is lost, and its replica takes over", async (path, channel) => {
  const redis = await startRedisCluster();
  cleanUps.push(() => redis.stop());
  const cluster = await startTestCluster({ servers: 2, path, redisUrl: redis.url });
  cleanUps.push(() => cluster.close());
  const [one, two] = cluster.servers as [TestServer, TestServer];
  const owner = await cluster.addUser();
  const { secret: token } = await cluster.addToken(owner, { scopes: ["write"] });
  const master = await masterWith(redis, channel);
  const killMaster = await redis.addReplica(master);
  const others: V2Agent[] = [];
  for (let n = 0; n < OTHER_AGENTS; n++) others.push(await V2Agent.connect(two, await cluster.addAgent(owner)));
  cleanUps.push(() => others.forEach(({ wire }) => wire.socket.terminate()));
  const isOnMaster = async ({ agentId }: V2Agent) => (await redis.masterOf(`rexec:location:${agentId}`)) === master;
  expect((await Promise.all(others.map(isOnMaster))).filter(Boolean).length).toBeGreaterThan(0);
  const [local, across] = [await startStream(one, one), await startStream(two, one)];

  const loseMaster = async (): Promise<void> => {
    const silenceMs = watchSilence(local.viewer);
    await killMaster();
    const promotedAtMs = performance.now();
    const leftMs = (): number => HEALED_WITHIN_MS - (performance.now() - promotedAtMs);
    await across.viewer.receive(1);
    await saysOn([one, two], { rexec_redis_up: 1, rexec_bus_up: 1 }, leftMs());
    for (const { agentId } of others) {
      const opened = async () => {
        const viewer = await V2Viewer.open(one.wsUrl, agentId, { token });
        viewer.wire.socket.terminate();
        return "opened";
      };
      await expect.poll(() => opened().catch(String), { timeout: Math.max(1, leftMs()) }).toBe("opened");
    }
    expect(leftMs()).toBeGreaterThan(0);
    // An agent that comes now is found, too.
    const newcomer = await V2Agent.connect(two, await cluster.addAgent(owner));
    (await V2Viewer.open(one.wsUrl, newcomer.agentId, { token })).wire.socket.terminate();
    newcomer.wire.socket.terminate();
    expect(silenceMs()).toBeLessThan(LONGEST_SILENCE_MS);
  };
  const losing = Promise.withResolvers<void>();
  const both = { rounds: 1, bytesBetween: () => BYTES_PER_SECOND };
  await Promise.all([
    checkBothWays(local, { ...both, disturb: () => losing.promise }),
    checkBothWays(across, {
      ...both,
      async disturb() {
        await loseMaster().then(losing.resolve, losing.reject);
        await losing.promise;
      },
    }),
  ]);
});
