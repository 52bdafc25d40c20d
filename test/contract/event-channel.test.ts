// Events of instances over a real Redis, and what Redis may do to them.
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentId, InstanceId, RunId, TokenId, UserId } from "../../src/protocol/ids.ts";
import { createEventBus, type LocalEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import { createMessageSeals } from "../../src/server/adapters/node/message-seals.ts";
import { EventChannel } from "../../src/server/adapters/redis/event-channel.ts";
import { openRedis, type RedisConnection } from "../../src/server/adapters/redis/redis-connection.ts";
import type { Agent } from "../../src/server/domain/agents/agent.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import { type CollectedLog, collectedLog } from "../support/collected-log.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";

const SECRET = "a secret of the tests, 32 bytes or more";
const CHANNEL = "rexec:events";
const WAIT = { timeout: 20_000, interval: 20 };
const MAX_WAITING = 20_000;
const MAX_BATCH = 500;
/** Or less: a beat without events. */
const EMPTY_BATCH_BYTES = 100;

/** One instance: what it is told, with the instance that it comes from. */
interface Instance {
  id: InstanceId;
  events: LocalEventBus;
  channel: EventChannel;
  connection: RedisConnection;
  log: CollectedLog;
  heard: { event: DomainEvent; from: InstanceId | undefined }[];
  types(): string[];
  /** Its time goes on by so much. */
  advance(ms: number): void;
}

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const open: Instance[] = [];
afterEach(() => {
  for (const { channel, connection } of open.splice(0)) {
    channel.stop();
    connection.close();
  }
});

async function join(id: string, { secret = SECRET, commands }: { secret?: string; commands?: Commands } = {}) {
  const log = collectedLog();
  const events = createEventBus({ onListenerError: (err) => log.error({ err }, "listener failed") });
  const connection = openRedis({ url: redis.url });
  await vi.waitFor(() => expect(connection.commands.status).toBe("ready"), WAIT);
  let aheadMs = 0;
  const channel = new EventChannel({
    run: randomUUID() as RunId,
    instanceId: id as InstanceId,
    commands: commands ?? connection.commands,
    subscriber: connection.subscriber,
    seals: createMessageSeals(secret),
    log,
    events,
    now: () => performance.now() + aheadMs,
    isForOthers: () => true,
    liveRuns: () => [],
  });
  const heard: Instance["heard"] = [];
  events.subscribe((event, from) => heard.push({ event, from }));
  const instance: Instance = {
    id: id as InstanceId,
    events,
    channel,
    connection,
    log,
    heard,
    types: () => heard.map(({ event }) => event.type),
    advance: (ms) => void (aheadMs += ms),
  };
  open.push(instance);
  await channel.start();
  return instance;
}
type Commands = { spublish(channel: string, message: Buffer): Promise<number> };

const locked = (agentId: string): DomainEvent => ({
  type: "mfa.locked",
  agentId: agentId as AgentId,
  userId: "owner" as UserId,
  byUserId: "owner" as UserId,
});
const agentIds = ({ heard }: Instance) => heard.flatMap(({ event }) => ("agentId" in event ? [event.agentId] : []));
/** This instance's next event reaches the other: whatever stood before it on the channel has been looked at. */
async function passes(from: Instance, to: Instance): Promise<void> {
  const agentId = randomUUID();
  from.events.publish(locked(agentId));
  await expect.poll(() => agentIds(to).at(-1), WAIT).toBe(agentId);
}

/** An instance whose messages the test takes, beats among them, to send them on as it likes. */
async function captured(id: string, secret = SECRET) {
  const messages: Buffer[] = [];
  const commands = { spublish: async (_: string, message: Buffer) => messages.push(message) };
  const { events } = await join(id, { commands, secret });
  async function next(event: DomainEvent): Promise<Buffer> {
    const before = messages.length;
    events.publish(event);
    const found = () => messages.slice(before).find(({ length }) => length > EMPTY_BATCH_BYTES);
    await expect.poll(found, WAIT).toBeDefined();
    return found()!;
  }
  return { messages, next };
}
const publish = (message: Buffer) => open[0]!.connection.commands.spublish(CHANNEL, message);

let one: Instance;
let two: Instance;
beforeEach(async () => {
  [one, two] = [await join("one"), await join("two")];
  await passes(one, two);
  await passes(two, one);
  for (const { heard } of [one, two]) heard.length = 0;
});

describe("an event", () => {
  it("is heard once on each instance, as it was, with where it happened", async () => {
    const agent = { id: randomUUID(), userId: "owner", createdAt: new Date(12_345), tags: ["ä", "\u0000"] };
    const all: DomainEvent[] = [
      { type: "agent.registered", agent: agent as unknown as Agent },
      { type: "token.shortened", tokenHash: "hash", userId: "owner" as UserId, expiresAt: new Date(67_890) },
      { type: "token.created", tokenId: randomUUID() as TokenId, userId: "owner" as UserId },
      { type: "limit.denied", userId: "owner" as UserId, reason: "AGENT_LIMIT_REACHED", limit: 5, used: 5 },
    ];
    for (const event of all) one.events.publish(event);
    await passes(one, two);
    await passes(two, one);
    expect(two.heard.slice(0, all.length)).toEqual(all.map((event) => ({ event, from: "one" })));
    expect(one.heard.slice(0, all.length)).toEqual(all.map((event) => ({ event, from: undefined })));
    expect(one.heard).toHaveLength(all.length + 2);
  });

  it("crosses in its order, with thousands of others", async () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => String(n));
    for (const id of ids) one.events.publish(locked(id));
    await expect.poll(() => two.heard.length, WAIT).toBe(ids.length);
    expect(agentIds(two)).toEqual(ids);
  });
});

describe("what nobody who has the secret has just sent", () => {
  it("is heard by nobody and changes nothing: changed, cut, made up, another secret's, or sent before", async () => {
    const { messages, next } = await captured("three");
    const stranger = await captured("four", "another secret of the tests, 32 bytes or more");
    const message = await next(locked("true"));
    const wrong = [
      ...Array.from(message.keys(), (at) => {
        const changed = Buffer.from(message);
        changed[at]! ^= 0x01;
        return changed;
      }),
      ...Array.from(message.keys(), (length) => message.subarray(0, length)),
      Buffer.concat([message, Buffer.alloc(1)]),
      Buffer.from(JSON.stringify({ from: "three", events: [locked("made up")] })),
      await stranger.next(locked("another's")),
    ];
    for (const each of messages.slice(0, messages.indexOf(message))) await publish(each);
    for (const each of wrong) await publish(each);
    await publish(message);
    for (const each of wrong) await publish(each);
    await publish(message);
    await passes(one, two);
    expect(agentIds(two).slice(0, -1)).toEqual(["true"]);
    expect(two.types()).not.toContain("events.missed");
    const drops = () => two.log.lines.filter(({ message: text }) => text === "messages from Redis dropped");
    const dropped = () => drops().reduce((sum, { fields }) => sum + (fields as { count: number }).count, 0);
    // Whoever makes thousands has one line in the log for all of ten seconds, and each is counted.
    expect(drops()).toHaveLength(1);
    two.advance(10_000);
    await publish(Buffer.from("one more"));
    await expect.poll(dropped, WAIT).toBe(2 * wrong.length + 1 + 1);
    expect(drops()).toHaveLength(2);
  });

  it("and what comes behind a later one is dropped, and missed", async () => {
    const { next } = await captured("three");
    const [first, second, third] = [await next(locked("1")), await next(locked("2")), await next(locked("3"))];
    for (const message of [first, third, second]) await publish(message);
    await passes(one, two);
    expect(agentIds(two).slice(0, -1)).toEqual(["1", "3"]);
    const behindFirst = two.types().slice(two.types().indexOf("mfa.locked"));
    expect(behindFirst.slice(0, 4)).toEqual(["mfa.locked", "access.uncertain", "events.missed", "mfa.locked"]);
  });
});

it("events that Redis has lost are missed by everybody, the sender too, and told before what comes next", async () => {
  const commands = one.connection.commands as Commands;
  const real = commands.spublish;
  const isLost = Promise.withResolvers<void>();
  commands.spublish = async () => (isLost.resolve(), 1);
  one.events.publish(locked("lost"));
  await isLost.promise;
  commands.spublish = real;
  await passes(one, two);
  expect(two.types()).toEqual(["access.uncertain", "events.missed", "mfa.locked"]);
  await expect.poll(() => one.types(), WAIT).toContain("events.missed");
  // Never from elsewhere: it is what this instance has found.
  expect(two.heard[1]?.from).toBe("two");
});

it("an instance that hears nothing of itself for six seconds is down and uncertain, until it does again", async () => {
  redis.pause();
  expect(two.channel.state).toBe("up");
  two.advance(6_000);
  await expect.poll(() => two.channel.state, WAIT).toBe("down");
  expect(two.types()).toEqual(["access.uncertain"]);
  two.advance(5_000);
  await expect.poll(() => two.types(), WAIT).toEqual(["access.uncertain", "access.uncertain"]);
  redis.resume();
  await expect.poll(() => two.channel.state, WAIT).toBe("up");
  expect(two.types()).toContain("events.missed");
  await passes(one, two);
});

describe("a flood while Redis takes nothing", () => {
  const flood = (count: number) => {
    for (let n = 0; n < count; n++) one.events.publish(locked(String(n)));
  };

  it("leaves the newest, in their order, and the others are missed", async () => {
    redis.pause();
    const published = vi.spyOn(one.connection.commands, "spublish");
    flood(MAX_WAITING + 5_000);
    await expect.poll(() => published.mock.calls.length, WAIT).toBeGreaterThanOrEqual(MAX_WAITING / MAX_BATCH);
    redis.resume();
    await expect.poll(() => agentIds(two).at(-1), WAIT).toBe(String(MAX_WAITING + 5_000 - 1));
    expect(agentIds(two)).toEqual(Array.from({ length: MAX_WAITING }, (_, n) => String(n + 5_000)));
    expect(two.types()[1]).toBe("events.missed");
  });

  it("that Redis does not live to see is missed as a whole", async () => {
    await redis.kill();
    flood(MAX_WAITING);
    // Given up, every batch of it.
    await expect.poll(() => one.connection.commands.status, WAIT).not.toBe("ready");
    await redis.restart();
    await expect.poll(() => two.types(), { ...WAIT, timeout: 30_000 }).toContain("events.missed");
    await passes(one, two);
    expect(agentIds(two).length).toBeLessThan(MAX_WAITING);
  });
});
