// Agent locations in a real Redis, and in a real Redis Cluster.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId, BootId, ConnectionId, InstanceId } from "../../src/protocol/ids.ts";
import { createRedisLocations } from "../../src/server/adapters/redis/agent-locations.ts";
import { openRedis, type RedisConnection } from "../../src/server/adapters/redis/redis-connection.ts";
import type { AgentLocations } from "../../src/server/domain/agents/locations.ts";
import { startRedis, startRedisCluster, type TestRedis } from "../support/redis.ts";
import { agentLocationsContract } from "./agent-locations-contract.ts";

async function connect(url: string): Promise<RedisConnection> {
  const isUp = Promise.withResolvers<void>();
  const connection = openRedis({ url, onState: (state) => state === "up" && isUp.resolve() });
  await isUp.promise;
  return connection;
}

describe.each([
  ["Redis", startRedis],
  ["Redis Cluster", startRedisCluster],
])("in %s", (name, start) => {
  let redis: { url: string; stop(): Promise<void> };
  let connection: RedisConnection;
  beforeAll(async () => {
    redis = await start();
    connection = await connect(redis.url);
  });
  afterAll(async () => {
    connection.close();
    await redis.stop();
  });
  agentLocationsContract(name, () => createRedisLocations(connection.commands));
});

describe("agent locations in Redis", () => {
  let redis: TestRedis;
  let connection: RedisConnection;
  let locations: AgentLocations;
  const aClaim = () => ({
    agentId: randomUUID() as AgentId,
    instanceId: "one" as InstanceId,
    connectionId: randomUUID() as ConnectionId,
    bootId: "boot-0001" as BootId,
    protocol: "rexec.v2" as const,
  });
  beforeAll(async () => {
    redis = await startRedis();
    connection = await connect(redis.url);
    locations = createRedisLocations(connection.commands);
  });
  afterAll(async () => {
    connection.close();
    await redis.stop();
  });

  it("are put back by a refresh when Redis has forgotten everything, and live again", async () => {
    const held = await Promise.all([aClaim(), aClaim()].map((claim) => locations.claim(claim, 0)));
    await redis.flushAll();
    expect(await locations.get(held[0]!.agentId)).toBeUndefined();
    expect(await locations.refresh(held)).toEqual([]);
    expect(await Promise.all(held.map(({ agentId }) => locations.get(agentId)))).toEqual(held);
    expect(await connection.commands.pttl(`rexec:location:${held[0]!.agentId}`)).toBeGreaterThan(40_000);
  });

  it("have a life that a refresh renews", async () => {
    const held = await locations.claim(aClaim(), 0);
    const key = `rexec:location:${held.agentId}`;
    await connection.commands.pexpire(key, 1_000);
    await locations.refresh([held]);
    expect(await connection.commands.pttl(key)).toBeGreaterThan(40_000);
  });

  it("are not put back where another has claimed since, who is told of by the refresh", async () => {
    const old = await locations.claim(aClaim(), 0);
    const other = await locations.claim({ ...aClaim(), agentId: old.agentId }, 0);
    const kept = await locations.claim(aClaim(), 0);
    expect(await locations.refresh([old, kept])).toEqual([old]);
    expect(await locations.get(old.agentId)).toEqual(other);
  });

  it("grow their epochs though Redis forgets everything between claims", async () => {
    const claim = aClaim();
    let last = 0;
    for (let round = 0; round < 50; round++) {
      const { epoch } = await locations.claim(claim, 0);
      expect(epoch).toBeGreaterThan(last);
      last = epoch;
      await redis.flushAll();
    }
  });

  it("are none where somebody has written something else there", async () => {
    const { agentId } = aClaim();
    for (const text of ["", "{", "7", "null", '{"agentId":"another"}', `{"agentId":"${agentId}","epoch":1.5}`]) {
      await connection.commands.set(`rexec:location:${agentId}`, text);
      expect(await locations.get(agentId)).toBeUndefined();
    }
  });

  it("can be claimed and put back over whatever somebody has written there, and no epoch is used up by it", async () => {
    const far = `{"agentId":"x","epoch":${2 ** 53 - 2}}`;
    for (const text of ["", "{", "7", "null", '{"epoch":"nine"}', "[]", far]) {
      const claim = aClaim();
      const key = `rexec:location:${claim.agentId}`;
      await connection.commands.set(key, text);
      const held = await locations.claim(claim, 0);
      expect(held.epoch).toBeLessThan(Date.now() * 1_000 + 60_000_000);
      await connection.commands.set(key, text);
      expect(await locations.refresh([held])).toEqual([]);
      expect(await locations.get(claim.agentId)).toEqual(held);
    }
  });

  it("can't be known while Redis is away, and nobody is made to wait for long", async () => {
    redis.pause();
    await expect(locations.get(aClaim().agentId)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
    await expect(locations.claim(aClaim(), 0)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
    redis.resume();
    await expect
      .poll(() =>
        locations.claim(aClaim(), 0).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });
});
