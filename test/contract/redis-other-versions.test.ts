// What instances of other versions, or with faults, say over Redis under the right keys: it must end nothing here.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { InstanceId, RunId } from "../../src/protocol/ids.ts";
import { createMessageSeals } from "../../src/server/adapters/node/message-seals.ts";
import { Courier } from "../../src/server/adapters/redis/courier.ts";
import { EventChannel } from "../../src/server/adapters/redis/event-channel.ts";
import { RedisCalls } from "../../src/server/adapters/redis/instance-calls.ts";
import { openRedis, type RedisConnection } from "../../src/server/adapters/redis/redis-connection.ts";
import { RedisRoutes, ROUTE_KIND } from "../../src/server/adapters/redis/redis-routes.ts";
import { runToBytes } from "../../src/server/adapters/redis/run-bytes.ts";
import { createEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import type { InstanceQuestion } from "../../src/server/domain/instances/instance-calls.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { aLocation, RouteProbe } from "./routes-contract.ts";

const seals = createMessageSeals("a secret of the tests, 32 bytes or more");
const [here, there] = [randomUUID(), randomUUID()] as [RunId, RunId];

let redis: TestRedis;
let connections: RedisConnection[];
let stranger: Courier;
let calls: RedisCalls;
let routes: RedisRoutes;
/** What the stranger's courier has heard. */
const heard: Uint8Array[] = [];
const asked: InstanceQuestion[] = [];
const events: string[] = [];
let channel: EventChannel;

beforeAll(async () => {
  redis = await startRedis();
  connections = [openRedis({ url: redis.url }), openRedis({ url: redis.url })];
  for (const { commands } of connections) await vi.waitFor(() => expect(commands.status).toBe("ready"));
  const [ours, theirs] = connections as [RedisConnection, RedisConnection];
  const common = { seals, log: silentLogger, now: () => performance.now() };
  const courier = new Courier({ ...common, run: here, ...ours });
  stranger = new Courier({ ...common, run: there, ...theirs });
  const directory = {
    find: async () => ({ run: there }),
    findRun: async () => ({ id: "there" as InstanceId }),
    others: () => [],
  };
  calls = new RedisCalls({
    courier,
    directory,
    log: silentLogger,
    answer: async (question) => {
      asked.push(question);
      if (question.ask !== "drain") throw new Error("of another version");
      return true;
    },
  });
  routes = new RedisRoutes({ courier, directory, accept: () => new RouteProbe(), now: () => performance.now() });
  await courier.start({
    onMessage: (from, payload) =>
      payload[0] === ROUTE_KIND ? routes.onMessage(from, payload) : calls.onMessage(from, payload),
    onGap: () => {},
  });
  await stranger.start({ onMessage: (_, payload) => void heard.push(payload), onGap: () => {} });
  const bus = createEventBus({ onListenerError: () => {} });
  bus.subscribe((event) => void events.push(event.type));
  channel = new EventChannel({
    ...common,
    ...ours,
    run: here,
    instanceId: "here" as InstanceId,
    events: bus,
    isForOthers: () => true,
    liveRuns: () => [],
  });
  await channel.start();
});
afterAll(async () => {
  channel.stop();
  for (const connection of connections) connection.close();
  await redis.stop();
});

const route = (side: number, op: number, body: string): Buffer[] => [
  Buffer.from([ROUTE_KIND, side, op, 0, 0, 0, 1]),
  Buffer.from(body),
];

describe("an instance hears another of another version", () => {
  it("and goes on answering it, whatever that has asked", async () => {
    const bodies = ["", "null", "1", "[]", "{}", '{"ask":null}', '{"ask":"what is new"}', "no JSON", "{"];
    for (const kind of [0, 1, 2, 4, 255]) {
      stranger.send(here, [Buffer.from([kind])]);
      for (const body of bodies) stranger.send(here, [Buffer.from([kind, 0, 0, 0, 9]), Buffer.from(body)]);
    }
    stranger.send(here, [Buffer.from([1, 0, 0, 0, 10]), Buffer.from('{"ask":"drain"}')]);
    await expect.poll(() => asked.at(-1)).toEqual({ ask: "drain" });
    await expect.poll(() => Buffer.from(heard.at(-1) ?? []).includes('{"answer":true}')).toBe(true);
  });

  it("and accepts its routes, whatever was said of others", async () => {
    for (const side of [0, 1, 9]) {
      for (let op = 0; op < 9; op++)
        for (const body of ["", "null", "{}", "x"]) stranger.send(here, route(side, op, body));
    }
    const { agentId, connectionId } = aLocation("here" as InstanceId);
    const before = heard.length;
    stranger.send(here, route(0, 0, JSON.stringify({ agentId, connectionId })));
    await expect.poll(() => heard.slice(before).some((message) => message[2] === 1)).toBe(true);
    // An acknowledgement that is none ends the route: what it was for is not known.
    stranger.send(here, route(0, 3, "short"));
    await expect.poll(() => heard.at(-1)?.[2]).toBe(4);
  });

  it("and takes what it can't read of its events for missed", async () => {
    // Its own first word has come.
    await expect.poll(() => events, { timeout: 10_000 }).toContain("events.missed");
    events.length = 0;
    const sealer = seals.sealer(`events ${there}`);
    const said = [
      "null",
      "[]",
      "no JSON",
      '{"from":"there","events":1}',
      '{"events":[{"type":"of nobody"}]}',
      '{"from":"there","events":[{"type":"instance.up"}]}',
    ];
    for (const [index, text] of said.entries()) {
      const header = Buffer.alloc(25);
      header[0] = 1;
      runToBytes(there).copy(header, 1);
      header.writeBigUInt64BE(BigInt(index + 1), 17);
      const message = Buffer.concat([header, sealer.seal(index + 1, [Buffer.from(text)])]);
      await connections[1]!.commands.spublish("rexec:events", message);
    }
    await expect.poll(() => events).toContain("instance.up");
    expect(events.filter((type) => type === "events.missed")).toHaveLength(5);
    expect(events).not.toContain("of nobody");
  });
});
