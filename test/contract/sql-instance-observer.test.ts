// Two instances on one Postgres, each driven by a clock of its own: one falls silent, and wakes.
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentId, ConnectionId, InstanceId, RunId, UserId } from "../../src/protocol/ids.ts";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import { InstanceObserver } from "../../src/server/domain/instances/instance-observer.ts";
import { collectedLog } from "../support/collected-log.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { manualClock } from "../support/manual-clock.ts";
import { addAgent, addUser } from "../support/sql-rows.ts";

let url: string;
const opened: SqlStores[] = [];
beforeEach(async () => {
  url = await freshDatabase();
  const stores = openPostgres({ url });
  await stores.migrate();
  await stores.close();
});
afterEach(() => Promise.all(opened.splice(0).map((stores) => stores.close())));

async function startInstance(id: InstanceId) {
  const stores = openPostgres({ url });
  opened.push(stores);
  const [clock, run, told] = [manualClock(), randomUUID() as RunId, [] as DomainEvent[]];
  const events = { publish: (event: DomainEvent) => void told.push(event) };
  const slots = stores.terminalSlots({ run, clock, onChange: () => {} });
  let revived: Promise<void> | undefined;
  const observer = new InstanceObserver({
    clock,
    monotonicMs: () => clock.now(),
    store: stores.instances,
    events,
    localEvents: events,
    log: collectedLog(),
    own: { run, id, version: "1.2.3" },
    load: () => ({ agents: 1, sessions: 0, busLagMs: 0.5, eventLoopP99Ms: 1.25 }),
    onDrain: () => {},
    onRevived: () => void (revived = slots.reacquire()),
    askToDrain: async () => false,
  });
  await observer.enter();
  return { id, stores, slots, observer, clock, told, revived: () => revived };
}

/** As their timers would, if all had one clock. */
async function pass(instances: readonly Awaited<ReturnType<typeof startInstance>>[], seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i += 2) {
    for (const { clock, observer } of instances) {
      clock.advance(2000);
      observer.beat();
      await observer.refresh();
    }
  }
}

test("two of three see one fall silent: its agent is offline and its slot free once, and both come back when it wakes", async () => {
  const [a, b, c] = await Promise.all(["a:1", "b:1", "c:1"].map((id) => startInstance(id as InstanceId)));
  if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
  await pass([a, b, c], 4);
  const agent = await addAgent(a.stores, (await addUser(a.stores)).id);
  await c.stores.agents.markConnected(agent.id, new Date(), {}, { instanceId: c.id, epoch: 1 });
  const slotOf = (userId: UserId) => ({
    userId,
    agentId: randomUUID() as AgentId,
    connectionId: randomUUID() as ConnectionId,
  });
  await c.slots.acquire(slotOf(agent.userId), 1);

  await pass([a, b], 24);
  expect((await a.observer.list()).find(({ id }) => id === c.id)).toMatchObject({ state: "silent" });
  expect(await a.slots.acquire(slotOf(agent.userId), 1)).toEqual({ granted: false, used: 1 });
  await pass([a, b], 6);
  for (const { observer } of [a, b]) expect((await observer.list()).map(({ id }) => id).sort()).toEqual(["a:1", "b:1"]);
  expect(await a.stores.agents.get(agent.id)).toMatchObject({ status: "offline" });
  const disconnected = [...a.told, ...b.told].filter(({ type }) => type === "agent.disconnected");
  expect(disconnected).toEqual([{ type: "agent.disconnected", agentId: agent.id, userId: agent.userId }]);
  expect(await a.slots.acquire(slotOf(agent.userId), 1)).toEqual({ granted: true });

  await pass([c], 2);
  await c.revived();
  expect(await a.slots.used(agent.userId)).toBe(2);
  await pass([a, b, c], 40);
  for (const { observer } of [a, b, c]) {
    expect((await observer.list()).map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
      "a:1 up",
      "b:1 up",
      "c:1 up",
    ]);
  }
  await c.observer.leave();
  await pass([a], 2);
  expect(a.told.at(-1)).toEqual({ type: "instance.down", instanceId: c.id });
  expect(await a.slots.used(agent.userId)).toBe(1);
});
