// Rate limits in Redis: shared by instances, and decided in process while Redis is away.
import { randomUUID } from "node:crypto";
import { beforeAll, afterAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { createRateLimits } from "../../src/server/adapters/memory/rate-limits.ts";
import { createRedisAttemptLimits, rateLimitsOf } from "../../src/server/adapters/redis/rate-limits.ts";
import { openRedis, type RedisConnection } from "../../src/server/adapters/redis/redis-connection.ts";
import { createTokenBuckets } from "../../src/server/adapters/redis/token-bucket.ts";
import type { AttemptRates } from "../../src/server/domain/access/attempt-rates.ts";
import type { RateLimits } from "../../src/server/domain/access/rate-limits.ts";
import { manualClock } from "../support/manual-clock.ts";
import { openTestRedis } from "../support/open-redis.ts";
import { startRedis } from "../support/redis.ts";
import { NO_LIMITS } from "../support/test-server.ts";
import { describeRateLimits } from "./rate-limits-contract.ts";

let redis: RedisConnection;

beforeAll(async () => {
  await new Promise<void>((up) => {
    redis = openRedis({ url: inject("redisUrl"), onState: () => up() });
  });
});
afterAll(() => redis.close());

describeRateLimits("Redis", ({ clock, ...share }) =>
  rateLimitsOf(createTokenBuckets({ redis: redis.commands, name: randomUUID(), share, clock })),
);

describe("rate limits in Redis", () => {
  it("fill by Redis's own clock", async () => {
    const share = { burst: 1, perMinute: 60_000 };
    const limits = rateLimitsOf(createTokenBuckets({ redis: redis.commands, name: randomUUID(), share }));
    await expect.poll(() => limits.tryTake("key")).toBe(true);
    await expect.poll(() => limits.tryTake("key")).toBe(true);
  });

  it("leave keys that tell nothing, and end by themselves", async () => {
    const name = randomUUID();
    const buckets = createTokenBuckets({ redis: redis.commands, name, share: { burst: 2, perMinute: 2 } });
    await buckets.take("192.0.2.1", 0);
    expect(await redis.commands.keys(`*${name}*`)).toEqual([]);

    await buckets.take("192.0.2.1", 1);

    const [key = "", ...others] = await redis.commands.keys(`*${name}*`);
    expect(others).toEqual([]);
    expect(key).toMatch(new RegExp(`^rexec:rate:${name}:[\\w-]{43}$`));
    const leftMs = await redis.commands.pttl(key);
    expect(leftMs).toBeGreaterThan(30_000);
    expect(leftMs).toBeLessThanOrEqual(90_000);
  });
});

/** Limits of attempts of two instances that share a Redis of their own. */
async function twoInstances(rates: Partial<AttemptRates>) {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const clock = manualClock();
  const open = async () => {
    const opened = openTestRedis(server.url);
    await opened.until("up");
    const limits = createRedisAttemptLimits({
      redis: opened.commands,
      clock,
      rates: { ...NO_LIMITS, ...rates },
      inProcess: (share) => createRateLimits({ clock, ...share }),
    });
    return { opened, limits };
  };
  return { server, clock, one: await open(), other: await open() };
}

async function takeAll(limits: RateLimits, key = "key"): Promise<number> {
  for (let taken = 0; ; taken++) if (!(await limits.tryTake(key))) return taken;
}

describe("limits of attempts of two instances", () => {
  it("are one limit", async () => {
    const { one, other } = await twoInstances({ opensPerAccount: 3 });
    expect(await takeAll(one.limits.opens.byAccount)).toBe(3);
    expect(await other.limits.opens.byAccount.tryTake("key")).toBe(false);
    expect(await other.limits.opens.byAccount.waitMs("key")).toBeGreaterThan(0);
    expect(await other.limits.opens.byNetwork.tryTake("key")).toBe(true);
  });

  it("know of failures elsewhere with the first one here", async () => {
    const { one, other } = await twoInstances({ authFailuresPerAddress: 3 });
    await takeAll(one.limits.authFailures);
    expect(await one.limits.authFailures.waitMs("key")).toBeGreaterThan(0);
    expect(await other.limits.authFailures.waitMs("key")).toBe(0);

    expect(await other.limits.authFailures.tryTake("key")).toBe(false);

    const waitMs = await other.limits.authFailures.waitMs("key");
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(20_000);
  });

  it("ask Redis nothing to let somebody in who never failed", async () => {
    const { server, one } = await twoInstances({});
    await server.ask("CONFIG", "RESETSTAT");
    for (let n = 0; n < 10; n++) await one.limits.authFailures.waitMs("key");
    expect(await server.ask("INFO", "commandstats")).not.toContain("cmdstat_eval");
  });

  it("are each instance's own while Redis is away, and one again when it is back", async () => {
    const { server, clock, one, other } = await twoInstances({ opensPerAccount: 3, authFailuresPerAddress: 3 });
    await takeAll(one.limits.opens.byAccount);
    await server.kill();

    expect(await takeAll(one.limits.opens.byAccount)).toBe(3);
    expect(await takeAll(other.limits.opens.byAccount)).toBe(3);
    await takeAll(one.limits.authFailures);
    expect(await one.limits.authFailures.waitMs("key")).toBe(20_000);

    await server.restart();
    await Promise.all([one.opened.until("up"), other.opened.until("up")]);
    expect(await one.limits.opens.byAccount.tryTake("key")).toBe(false); // Nobody looks yet.
    clock.advance(5000);
    expect(await takeAll(one.limits.opens.byAccount)).toBe(3);
    expect(await other.limits.opens.byAccount.tryTake("key")).toBe(false);
  });

  it("hold up one attempt, and not for long, where Redis hangs", async () => {
    const { server, one } = await twoInstances({ opensPerAccount: 3 });
    server.pause();
    let hasTimedOut = false;
    const command = one.opened.commands.get("key").catch(() => {
      hasTimedOut = true;
    });

    expect(await takeAll(one.limits.opens.byAccount)).toBe(3);

    expect(hasTimedOut).toBe(false); // A command has a second.
    await command;
  });
});
