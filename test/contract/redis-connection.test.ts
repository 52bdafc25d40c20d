// Connections to Redis through its troubles: nothing waits for it, everything comes back, nothing secret is told.
import { inspect } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { YoungGarbage } from "../../src/runtime/young-garbage.ts";
import { redisCall } from "../../src/server/adapters/redis/redis-errors.ts";
import { openRedis } from "../../src/server/adapters/redis/redis-connection.ts";
import { openTestRedis, type OpenedRedis } from "../support/open-redis.ts";
import { startRedis, startRedisCluster, startRedisSentinel, type TestRedis } from "../support/redis.ts";

const MIB = 1024 * 1024;
const PIECE_BYTES = 32 * 1024;
const UNAVAILABLE = { reason: "BACKEND_UNAVAILABLE" };
/** No text: what comes out is what went in. */
const BYTES = Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0x80]);

async function started<T extends { stop(): Promise<void> }>(start: () => Promise<T>): Promise<T> {
  const redis = await start();
  onTestFinished(() => redis.stop());
  return redis;
}

/** Listens, and returns what was heard so far. */
async function listen({ subscriber }: OpenedRedis, channel: string): Promise<Buffer[]> {
  const heard: Buffer[] = [];
  await subscriber.subscribe(channel, (message) => heard.push(message));
  return heard;
}

async function expectHeard(opened: OpenedRedis, channel: string, heard: Buffer[]): Promise<void> {
  heard.length = 0;
  await vi.waitFor(() => opened.commands.spublish(channel, BYTES), { timeout: 20_000 });
  await vi.waitFor(() => expect(heard).toEqual([BYTES]));
}

test("a message is heard byte for byte, by who listens to its channel", async () => {
  const { url } = await started(startRedis);
  const opened = openTestRedis(url);
  await opened.until("up");
  const [one, other] = [await listen(opened, "one"), await listen(opened, "other")];

  await expectHeard(opened, "one", one);

  expect(other).toEqual([]);
});

test("an unsubscribed channel is heard no more, and may have another listener", async () => {
  const { url } = await started(startRedis);
  const opened = openTestRedis(url);
  await opened.until("up");
  const [first, witness] = [await listen(opened, "channel"), await listen(opened, "witness")];
  opened.subscriber.unsubscribe("channel");

  await opened.commands.spublish("channel", BYTES);
  await expectHeard(opened, "witness", witness);

  expect(first).toEqual([]);
  await expectHeard(opened, "channel", await listen(opened, "channel"));
});

test("what was published is let go without a collection of the whole heap", async () => {
  const { url } = await started(startRedis);
  const opened = openTestRedis(url);
  await opened.until("up");
  const garbage = new YoungGarbage();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let published = 0; published < 60 * MIB; published += PIECE_BYTES) {
    await opened.commands.spublish("channel", Buffer.allocUnsafeSlow(PIECE_BYTES));
    // The message, and what is written of it.
    garbage.made(2 * PIECE_BYTES);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(20 * MIB);
});

test("commands fail at once while Redis is away, and the channels are heard when it is back", async () => {
  const redis = await started(startRedis);
  const opened = openTestRedis(redis.url);
  await opened.until("up");
  const heard = await listen(opened, "channel");

  await redis.kill();
  await opened.until("down");
  const before = performance.now();
  await expect(redisCall(opened.commands.get("key"))).rejects.toMatchObject(UNAVAILABLE);
  expect(performance.now() - before).toBeLessThan(500);

  await redis.restart();
  await opened.until("up");
  await opened.commands.spublish("channel", BYTES); // No second attempt: up means that it is heard.
  await vi.waitFor(() => expect(heard).toEqual([BYTES]));
  expect(opened.states).toEqual(["up", "down", "up"]);
});

test("a channel that was asked for while Redis was away is heard when it is there", async () => {
  const redis = await started(startRedis);
  await redis.kill();
  const opened = openTestRedis(redis.url);
  const heard: Buffer[] = [];
  const asked = opened.subscriber.subscribe("channel", (message) => heard.push(message));
  await expect(asked).rejects.toMatchObject(UNAVAILABLE);

  await redis.restart();

  await opened.until("up");
  await expectHeard(opened, "channel", heard);
});

test("a Redis that hangs holds nobody up, is told as down, and is up when it answers", async () => {
  const redis = await started(startRedis);
  const opened = openTestRedis(redis.url);
  await opened.until("up");
  const heard = await listen(opened, "channel");

  redis.pause();
  const before = performance.now();
  await expect(redisCall(opened.commands.get("key"))).rejects.toMatchObject(UNAVAILABLE);
  expect(performance.now() - before).toBeLessThan(3000);
  await opened.until("down");

  redis.resume();
  await opened.until("up");
  await expectHeard(opened, "channel", heard);
});

test("no command is done twice when its connection breaks under way", async () => {
  const redis = await started(startRedis);
  const opened = openTestRedis(redis.url);
  await opened.until("up");
  const waiting = redisCall(opened.commands.blpop("list", 0));
  const refused = expect(waiting).rejects.toMatchObject(UNAVAILABLE);

  await redis.ask("CLIENT", "KILL", "TYPE", "normal");

  await refused;
  await opened.until("up");
  await opened.commands.rpush("list", "value");
  expect(await opened.commands.llen("list")).toBe(1);
});

test("a wrong password is told once, without any password", async () => {
  const redis = await started(startRedis);
  const opened = openTestRedis(redis.url.replace(/:[^:@]+@/, ":canary-password@"));

  await vi.waitFor(() => expect(opened.errors.length).toBeGreaterThan(0));
  await expect(redisCall(opened.commands.get("key"))).rejects.toMatchObject(UNAVAILABLE);

  const told = opened.errors.map((error) => inspect(error, { depth: 9 }));
  expect(told.join()).toContain("WRONGPASS");
  expect(told.join()).not.toContain("canary");
  expect(told.filter((text) => text.includes("WRONGPASS"))).toHaveLength(1);
});

test("what a command carried is not in its error", async () => {
  const { url } = await started(startRedis);
  const opened = openTestRedis(url);
  await opened.until("up");
  await opened.commands.set("key", "text");

  const failed = await redisCall(opened.commands.lpush("key", "canary")).catch((error: unknown) => error);

  expect(failed).toMatchObject({ reason: "BACKEND_UNAVAILABLE", cause: { message: /^WRONGTYPE/ } });
  expect((failed as Error).cause).not.toHaveProperty("command");
});

test("a URL that is not right is refused, and not repeated", () => {
  expect(() => openRedis({ url: "redis://:canary@a,b" })).toThrow(/^the URL of Redis must name one host/);
});

test.each(["dead", "hung"] as const)("after a failover of a %s master, all is the new one's", async (how) => {
  const sentinel = await started(startRedisSentinel);
  const opened = openTestRedis(sentinel.url);
  await opened.until("up");
  const heard = await listen(opened, "channel");

  await sentinel.failover(how);

  await vi.waitFor(() => expect(opened.states).toContain("down"), { timeout: 20_000 });
  await opened.until("up");
  await opened.commands.set("key", "value");
  await opened.commands.spublish("channel", BYTES); // No second attempt: up means that it is heard.
  await vi.waitFor(() => expect(heard).toEqual([BYTES]));
});

/** Of every master's slots there is one. */
const CHANNELS = ["a", "b", "c", "d", "e", "f"];

async function listenInCluster(): Promise<{
  opened: OpenedRedis;
  nodes: readonly Pick<TestRedis, "ask" | "port" | "restart" | "kill">[];
  heard: Map<string, Buffer[]>;
}> {
  const { url, nodes } = await started(startRedisCluster);
  const opened = openTestRedis(url);
  await opened.until("up");
  const heard = new Map<string, Buffer[]>();
  await Promise.all(CHANNELS.map(async (channel) => heard.set(channel, await listen(opened, channel))));
  return { opened, nodes, heard };
}

test("every master of a cluster is listened to, one connection each", async () => {
  const { opened, nodes, heard } = await listenInCluster();

  for (const [channel, messages] of heard) await expectHeard(opened, channel, messages);

  for (const node of nodes) {
    const clients = await node.ask<string>("CLIENT", "LIST");
    const listening = clients.split("\n").filter((line) => / ssub=[1-9]/.test(line));
    expect(listening).toHaveLength(1);
  }
});

test("a restarted master of a cluster is listened to again", async () => {
  const { opened, nodes, heard } = await listenInCluster();

  await nodes[0]?.kill();
  await opened.until("down");
  await nodes[0]?.restart();

  await opened.until("up");
  for (const [channel, messages] of heard) await expectHeard(opened, channel, messages);
});

test("a channel whose slot moves to another master of a cluster is heard there", async () => {
  const { opened, nodes, heard } = await listenInCluster();
  const [channel = ""] = CHANNELS;
  const slot = (await nodes[0]?.ask<number>("CLUSTER", "KEYSLOT", channel)) ?? 0;
  const map = (await nodes[0]?.ask<[number, number, [string, number]][]>("CLUSTER", "SLOTS")) ?? [];
  const owner = map.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
  const [from, to] = [nodes.find(({ port }) => port === owner), nodes.find(({ port }) => port !== owner)];
  const newcomer = (await to?.ask<string>("CLUSTER", "MYID")) ?? "";

  await to?.ask("CLUSTER", "SETSLOT", slot, "NODE", newcomer);
  await from?.ask("CLUSTER", "SETSLOT", slot, "NODE", newcomer);

  await vi.waitFor(async () => {
    expect(await to?.ask("PUBSUB", "SHARDCHANNELS", channel)).toEqual([channel]);
  });
  await opened.until("up");
  for (const [name, messages] of heard) await expectHeard(opened, name, messages);
});
