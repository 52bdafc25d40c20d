// Events between instances, over a Redis that does with them what the test says.
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silentLogger } from "../support/silent-logger.ts";
import type { InstanceId, RunId, UserId } from "../../src/protocol/ids.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import { createEventBus, type LocalEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import { createMessageSeals } from "../../src/server/adapters/node/message-seals.ts";
import { EventChannel } from "../../src/server/adapters/redis/event-channel.ts";
import type { ChannelListener } from "../../src/server/adapters/redis/redis-subscriber.ts";

const seals = createMessageSeals("a secret of the tests, 32 bytes or more");
const revoked: DomainEvent = { type: "token.revoked", tokenHash: "hash", userId: "user" as UserId };

interface Instance {
  run: RunId;
  bus: LocalEventBus;
  channel: EventChannel;
  /** What was told here of elsewhere, and of doubt. */
  heard: string[];
}

let listeners: Set<ChannelListener>;
/** Runs that look alive to the others. */
let live: RunId[];
/** Whose messages Redis loses. */
let mute: Set<RunId>;
beforeEach(() => {
  vi.useFakeTimers();
  listeners = new Set();
  live = [];
  mute = new Set();
});
afterEach(() => vi.useRealTimers());

function join(id: string): Instance {
  const run = randomUUID() as RunId;
  const heard: string[] = [];
  const bus = createEventBus({ onListenerError: (error) => expect.unreachable(String(error)) });
  bus.subscribe((event, from) => from !== undefined && heard.push(event.type));
  const channel = new EventChannel({
    run,
    instanceId: id as InstanceId,
    events: bus,
    seals,
    log: silentLogger,
    now: Date.now,
    isForOthers: () => true,
    liveRuns: () => live.filter((each) => each !== run),
    commands: {
      async spublish(_: unknown, message: unknown) {
        if (!mute.has(run)) for (const listener of listeners) listener(message as Buffer);
        return 1;
      },
    },
    subscriber: { subscribe: async (_, listener) => void listeners.add(listener), unsubscribe: () => {} },
  });
  live.push(run);
  return { run, bus, channel, heard };
}

async function start(...instances: Instance[]): Promise<void> {
  for (const { channel } of instances) await channel.start();
  await vi.advanceTimersByTimeAsync(4_100);
  for (const { heard } of instances) heard.length = 0;
}

const doubts = ({ heard }: Instance): number => heard.filter((type) => type === "access.uncertain").length;

describe("an instance", () => {
  it("hears what others do, and has no doubt", async () => {
    const [one, two] = [join("one"), join("two")];
    await start(one, two);
    one.bus.publish(revoked);
    await vi.advanceTimersByTimeAsync(30_000);
    expect([one.heard, two.heard]).toEqual([[], ["token.revoked"]]);
  });

  it("doubts what it knows when it first listens: others were at work before", async () => {
    const two = join("two");
    await two.channel.start();
    await vi.advanceTimersByTimeAsync(2_100);
    expect(two.heard).toEqual(["access.uncertain", "events.missed"]);
  });

  it("doubts what it knows where it has not heard another from its first word on", async () => {
    const two = join("two");
    await start(two);
    const one = join("one");
    mute.add(one.run);
    await one.channel.start();
    one.bus.publish(revoked);
    await vi.advanceTimersByTimeAsync(100);
    mute.clear();
    await vi.advanceTimersByTimeAsync(2_100);
    expect(two.heard).toEqual(["access.uncertain", "events.missed"]);
  });

  it("doubts what it knows while one that lives can't be heard, though it hears itself", async () => {
    const [one, two] = [join("one"), join("two")];
    await start(one, two);
    mute.add(one.run);
    one.bus.publish(revoked);
    await vi.advanceTimersByTimeAsync(14_000);
    expect(doubts(two)).toBeGreaterThan(0);
    const before = doubts(two);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(doubts(two)).toBeGreaterThan(before);
    mute.clear();
    await vi.advanceTimersByTimeAsync(2_100);
    expect(two.heard).toContain("events.missed");
    two.heard.length = 0;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(two.heard).toEqual([]);
  });

  it("doubts what it knows when another ends: its last deed may have gone with it untold", async () => {
    const [one, two] = [join("one"), join("two")];
    await start(one, two);
    one.channel.stop();
    mute.add(one.run);
    live = [two.run];
    await vi.advanceTimersByTimeAsync(2_100);
    expect(two.heard).toEqual(["access.uncertain"]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(two.heard).toEqual(["access.uncertain"]);
  });
});
