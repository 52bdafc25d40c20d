// The tests' own Redis: private, lossy and deaf on demand, and gone with whoever started it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { startRedis, startRedisCluster, startRedisSentinel } from "./redis.ts";

function clientOf(url: string, options: RedisOptions = {}): Redis {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, ...options });
  client.on("error", () => {}); // What is asked fails by itself.
  onTestFinished(() => client.disconnect());
  return client;
}

async function ownRedis() {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  return redis;
}

test("the shared one answers", async () => {
  expect(await clientOf(inject("redisUrl")).ping()).toBe("PONG");
});

test("a restarted server is on the same port, under another pid, and empty", async () => {
  const redis = await ownRedis();
  const { pid, url } = redis;
  await clientOf(url).set("key", "value");

  await redis.restart();

  expect(redis.pid).not.toBe(pid);
  expect(await clientOf(url).get("key")).toBeNull();
});

test("a flushed server has forgotten everything", async () => {
  const redis = await ownRedis();
  const client = clientOf(redis.url);
  await client.set("key", "value");

  await redis.flushAll();

  expect(await client.get("key")).toBeNull();
});

test("a paused server answers when it is resumed", async () => {
  const redis = await ownRedis();
  const client = clientOf(redis.url);
  await client.connect();
  redis.pause();
  let isAnswered = false;
  const answer = client.ping().then(() => {
    isAnswered = true;
  });
  const impatient = clientOf(redis.url, { commandTimeout: 200 });
  await expect(impatient.ping()).rejects.toThrow("timed out");
  expect(isAnswered).toBe(false);

  redis.resume();

  await answer;
});

test("a killed server refuses until it is started again", async () => {
  const redis = await ownRedis();
  await redis.kill();
  await expect(clientOf(redis.url).ping()).rejects.toThrow();

  await redis.restart();

  expect(await clientOf(redis.url).ping()).toBe("PONG");
});

test("a cluster takes keys of every master", async () => {
  const cluster = await startRedisCluster();
  onTestFinished(() => cluster.stop());
  const { password, host } = new URL(cluster.url.replace(/,.*/, ""));
  const [hostname, port] = host.split(":");
  const client = new Cluster([{ host: hostname, port: Number(port) }], { redisOptions: { password } });
  onTestFinished(() => client.disconnect());

  for (const key of ["a", "b", "c", "d", "e", "f"]) await client.set(key, key);

  const sizes = await Promise.all(client.nodes("master").map((node) => node.dbsize()));
  expect(sizes).toHaveLength(3);
  expect(Math.min(...sizes)).toBeGreaterThan(0);
});

test("a sentinel names another master after a failover", async () => {
  const sentinel = await startRedisSentinel();
  onTestFinished(() => sentinel.stop());
  const { password, hostname, port } = new URL(sentinel.url);
  const open = () => {
    const client = new Redis({ sentinels: [{ host: hostname, port: Number(port) }], name: "mymaster", password });
    client.on("error", () => {}); // The old master going away is what this is about.
    onTestFinished(() => client.disconnect());
    return client;
  };
  const portOf = (client: Redis) => client.config("GET", "port");
  const before = await portOf(open());

  await sentinel.failover();

  const client = open();
  expect(await portOf(client)).not.toEqual(before);
  expect(await client.set("key", "value")).toBe("OK");
});

test("a killed run leaves no server behind", async () => {
  const script = `
    const { startRedis } = await import(${JSON.stringify(new URL("redis.ts", import.meta.url).href)});
    console.log((await startRedis()).url);
  `;
  const run = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = (await once(createInterface(run.stdout), "line")) as [string];
  expect(await clientOf(url).ping()).toBe("PONG");

  run.kill("SIGKILL");

  await vi.waitFor(() => expect(clientOf(url).ping()).rejects.toThrow(), { timeout: 20_000 });
});
