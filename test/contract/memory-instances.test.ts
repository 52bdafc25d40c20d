// The one instance of a server that stands alone: what it says of itself over its life.
import { expect, test } from "vitest";
import { createOwnInstance } from "../../src/server/adapters/memory/instances.ts";
import type { InstanceId } from "../../src/protocol/ids.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import { manualClock } from "../support/manual-clock.ts";

const id = "a:7070" as InstanceId;

function start() {
  const clock = manualClock(1000);
  const events: DomainEvent[] = [];
  let drains = 0;
  const instance = createOwnInstance({
    clock,
    events: { publish: (event) => void events.push(event) },
    own: { id, version: "1.2.3" },
    load: () => ({ agents: 2, sessions: 3, eventLoopP99Ms: 4 }),
    onDrain: () => void drains++,
  });
  return { clock, events, instance, drains: () => drains };
}

test("its heart beats with its timer, and stops with it", async () => {
  const { clock, instance } = start();
  const facts = { id, version: "1.2.3", agents: 2, sessions: 3, eventLoopP99Ms: 4, busLagMs: 0, state: "up" };
  expect(await instance.list()).toEqual([{ ...facts, startedAt: new Date(1000), heartbeatAt: new Date(1000) }]);
  clock.advance(5000);
  instance.beat();
  clock.advance(5000);
  expect(await instance.list()).toMatchObject([{ startedAt: new Date(1000), heartbeatAt: new Date(6000) }]);
});

test("it tells that it is up, that it drains, once, and that it is down", async () => {
  const { events, instance, drains } = start();
  instance.up();
  expect(await instance.drain("b:7070" as InstanceId)).toBe(false);
  expect([instance.isDraining, drains()]).toEqual([false, 0]);
  expect([await instance.drain(id), await instance.drain(id)]).toEqual([true, true]);
  expect(await instance.list()).toMatchObject([{ state: "draining" }]);
  expect([instance.isDraining, drains()]).toEqual([true, 1]);
  instance.down();
  const types = ["instance.up", "instance.draining", "instance.down"];
  expect(events).toEqual(types.map((type) => ({ type, instanceId: id })));
});
