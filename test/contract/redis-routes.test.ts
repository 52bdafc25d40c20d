// Routes over Redis, and what Redis may do to them.
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { InstanceId, RunId } from "../../src/protocol/ids.ts";
import { createMessageSeals } from "../../src/server/adapters/node/message-seals.ts";
import { Courier } from "../../src/server/adapters/redis/courier.ts";
import { openRedis, type RedisConnection } from "../../src/server/adapters/redis/redis-connection.ts";
import { RedisRoutes } from "../../src/server/adapters/redis/redis-routes.ts";
import type { AcceptRoute } from "../../src/server/domain/terminals/routes.ts";
import { startRedis, startRedisCluster, type TestRedis } from "../support/redis.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { aLocation, RouteProbe, routesContract, type RoutesRig } from "./routes-contract.ts";

const seals = createMessageSeals("a secret of the tests, 32 bytes or more");
const [opener, holder] = ["one", "two"] as InstanceId[] as [InstanceId, InstanceId];

const WAIT = { timeout: 20_000, interval: 50 };

interface RedisRig extends RoutesRig {
  runs: Record<"opener" | "holder", RunId>;
  connection: RedisConnection;
  /** The holder's. */
  farConnection: RedisConnection;
  /** Once a second, by hand. */
  tick(): void;
  /** Time goes on by so much. */
  advance(ms: number): void;
}

async function startOn(url: string, stopRedis: () => Promise<void> = async () => {}): Promise<RedisRig> {
  const runs = { opener: randomUUID() as RunId, holder: randomUUID() as RunId };
  const ids = new Map([
    [runs.opener, opener],
    [runs.holder, holder],
  ]);
  const directory = {
    find: async (id: InstanceId) => {
      const run = [...ids].find(([, each]) => each === id)?.[0];
      return run && { run };
    },
    findRun: async (run: RunId) => {
      const id = ids.get(run);
      return id && { id };
    },
  };
  let accept: AcceptRoute = () => undefined;
  let aheadMs = 0;
  const now = () => performance.now() + aheadMs;
  const ends = await Promise.all(
    [runs.opener, runs.holder].map(async (run) => {
      const connection = openRedis({ url });
      const courier = new Courier({ run, seals, log: silentLogger, now, ...connection });
      const routes = new RedisRoutes({ courier, directory, accept: (...asked) => accept(...asked), now });
      const listener = {
        onMessage: (from: RunId, payload: Uint8Array) => routes.onMessage(from, payload),
        onGap: (from: RunId) => routes.onGap(from),
      };
      await courier.start(listener).catch(() => {});
      await vi.waitFor(() => expect(connection.commands.status).toBe("ready"), WAIT);
      return { connection, routes };
    }),
  );
  const [near, far] = ends as [(typeof ends)[number], (typeof ends)[number]];
  // Listened to from here on: a message of each end comes to the other.
  await vi.waitFor(async () => {
    accept = () => new RouteProbe();
    const route = await near.routes.open(aLocation(holder), new RouteProbe());
    expect(route).toBeDefined();
    route?.close();
  }, WAIT);
  return {
    routes: near.routes,
    setAccept: (given) => (accept = given),
    holder,
    opener,
    runs,
    connection: near.connection,
    farConnection: far.connection,
    tick() {
      near.routes.tick();
      far.routes.tick();
    },
    advance: (ms) => void (aheadMs += ms),
    async stop() {
      for (const { connection } of ends) connection.close();
      await stopRedis();
    },
  };
}

routesContract("over Redis", async () => {
  const redis = await startRedis();
  return startOn(redis.url, () => redis.stop());
});

routesContract("over Redis Cluster", async () => {
  const redis = await startRedisCluster();
  return startOn(redis.url, () => redis.stop());
});

describe("a route over Redis", () => {
  let redis: TestRedis;
  let rig: RedisRig;
  beforeAll(async () => {
    redis = await startRedis();
    rig = await startOn(redis.url);
  });
  afterAll(async () => {
    await rig.stop();
    await redis.stop();
  });
  const routes: { close(): void }[] = [];
  afterEach(() => {
    for (const route of routes.splice(0)) route.close();
  });

  async function openPair() {
    const [near, far] = [new RouteProbe(), new RouteProbe()];
    rig.setAccept(() => far);
    const route = (await rig.routes.open(aLocation(holder), near))!;
    if (route !== undefined) routes.push(route);
    return { near, far, route };
  }
  /** What stands on the wire for the holder, while `act` runs. */
  async function overhear(act: () => void, count: number): Promise<Buffer[]> {
    const heard: Buffer[] = [];
    const spy = openRedis({ url: redis.url });
    await spy.subscriber.subscribe(`rexec:to:${rig.runs.holder}`, (message) => heard.push(message)).catch(() => {});
    await expect.poll(() => spy.commands.status).toBe("ready");
    act();
    await expect.poll(() => heard.length).toBeGreaterThanOrEqual(count);
    spy.close();
    return heard;
  }
  /** What the opener says meanwhile is lost on its way to Redis. */
  function lose(say: () => void): void {
    const spublish = vi.spyOn(rig.connection.commands, "spublish").mockResolvedValue(1);
    say();
    spublish.mockRestore();
  }
  const publish = (message: Buffer) => rig.connection.commands.spublish(`rexec:to:${rig.runs.holder}`, message);

  it("shows nobody what it carries", async () => {
    const { route, far } = await openPair();
    const [message] = await overhear(() => route.send(Buffer.from("a password")), 1);
    expect(message?.includes("a password")).toBe(false);
    await expect.poll(() => far.bytes.toString()).toBe("a password");
  });

  it("takes nothing twice, nothing changed and nothing made up, and goes on", async () => {
    const { route, near, far } = await openPair();
    const heard = await overhear(() => route.send(Buffer.from("once")), 1);
    const message = heard[0]!;
    for (let again = 0; again < 5; again++) await publish(message);
    for (let at = 0; at < message.length; at++) {
      const changed = Buffer.from(message);
      changed[at]! ^= 0x80;
      await publish(changed);
    }
    await publish(Buffer.from("made up"));
    await publish(Buffer.alloc(0));
    route.send(Buffer.from(" more"));
    await expect.poll(() => far.bytes.toString()).toBe("once more");
    expect([near.ends, far.ends]).toEqual([0, 0]);
  });

  it("ends where a message is missing, for on a route nothing may be missing", async () => {
    const { route, near, far } = await openPair();
    lose(() => route.send(Buffer.from("lost")));
    route.send(Buffer.from("behind it"));
    await expect.poll(() => [near.ends, far.ends]).toEqual([1, 1]);
    expect(far.bytes.toString()).toBe("");
  });

  it("is opened though something was missing before, and not where its own first words are", async () => {
    const commands = rig.farConnection.commands as { spublish: (...args: unknown[]) => Promise<number> };
    const real = commands.spublish;
    const lose = (isLost: (said: number) => boolean) => {
      let said = 0;
      commands.spublish = async (...args) => (isLost(++said) ? 1 : real.apply(commands, args));
    };
    onTestFinished(() => void (commands.spublish = real));
    const { route: earlier } = await openPair();
    lose(() => true);
    rig.tick();
    lose(() => false);
    const { route } = await openPair();
    expect(route).toBeDefined();
    earlier.close();
    // The word that it is open.
    lose((said) => said === 1);
    rig.setAccept((_, opened) => {
      opened.send(Buffer.from("hello"));
      return new RouteProbe();
    });
    const near = new RouteProbe();
    expect(await rig.routes.open(aLocation(holder), near)).toBeUndefined();
    expect(near.frames).toEqual([]);
  });

  it("ends where the last message is missing, though nothing more is said", async () => {
    const { route, near, far } = await openPair();
    lose(() => route.send(Buffer.from("lost")));
    rig.tick();
    await expect.poll(() => [near.ends, far.ends]).toEqual([1, 1]);
  });

  it("ends at both ends where Redis is silent, and another can be opened when it speaks again", async () => {
    const { near, far } = await openPair();
    redis.pause();
    rig.advance(6_000);
    rig.tick();
    await expect.poll(() => [near.ends, far.ends]).toEqual([1, 1]);
    redis.resume();
    await expect.poll(async () => (await openPair()).route !== undefined).toBe(true);
  });

  it("goes on through FLUSHALL", async () => {
    const { route, near, far } = await openPair();
    await redis.flushAll();
    route.send(Buffer.from("still here"));
    await expect.poll(() => far.bytes.toString()).toBe("still here");
    expect(near.ends).toBe(0);
  });

  it("can be opened anew when Redis was started again", async () => {
    await redis.restart();
    await expect.poll(async () => (await openPair()).route !== undefined).toBe(true);
  });
});
