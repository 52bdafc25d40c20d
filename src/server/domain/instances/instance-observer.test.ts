import { expect, test, vi } from "vitest";
import { collectedLog } from "../../../../test/support/collected-log.ts";
import { fakeInstanceStore } from "../../../../test/support/fake-instance-store.ts";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { instanceEntry } from "../../../../test/support/sql-rows.ts";
import type { AgentId, InstanceId, RunId, UserId } from "../../../protocol/ids.ts";
import type { DomainEvent } from "../events/events.ts";
import { InstanceObserver } from "./instance-observer.ts";

const [OWN, PEER] = ["own:7070" as InstanceId, "peer:7070" as InstanceId];
const unavailable = { reason: "BACKEND_UNAVAILABLE" };
const agent = { id: "agent" as AgentId, userId: "owner" as UserId };

/** This instance, and a peer that was there before. */
async function start() {
  const [clock, monotonic, store, log] = [manualClock(1000), manualClock(0), fakeInstanceStore(), collectedLog()];
  const peer = instanceEntry({ id: PEER, peerUrl: "ws://peer" });
  store.add(peer);
  const [told, toldHere, asked]: [DomainEvent[], DomainEvent[], RunId[]] = [[], [], []];
  let [drains, revivals] = [0, 0];
  const { run } = instanceEntry();
  const observer = new InstanceObserver({
    clock,
    monotonicMs: () => monotonic.now(),
    store,
    events: { publish: (event) => void told.push(event) },
    localEvents: { publish: (event) => void toldHere.push(event) },
    log,
    own: { run, id: OWN, version: "1.2.3" },
    load: () => ({ agents: 2, sessions: 3, busLagMs: 5, eventLoopP99Ms: 4 }),
    onDrain: () => void drains++,
    onRevived: () => void revivals++,
    askToDrain: async (asks) => (asked.push(asks), true),
  });
  await observer.enter();

  /** A second at a time, as the server's timer does it; each look has ended before the next second. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      monotonic.advance(1000);
      clock.advance(1000);
      observer.beat();
      await observer.refresh().catch(() => {});
    }
  }
  const stateOfPeer = async () => (await observer.list()).find(({ id }) => id === PEER)?.state;
  const counts = () => ({ drains, revivals });
  return { observer, store, log, clock, monotonic, peer, run, told, toldHere, asked, pass, stateOfPeer, counts };
}

test("an instance that stands still is silent after 15 s and dead after 25 s, and everybody is told what it leaves", async () => {
  const { store, peer, pass, stateOfPeer, told, toldHere, log } = await start();
  const viewer = "viewer" as UserId;
  store.left.set(peer.run, { agents: [agent], users: [viewer] });
  store.stopped.add(peer.run);
  await pass(14);
  expect(await stateOfPeer()).toBe("up");
  await pass(4);
  expect(await stateOfPeer()).toBe("silent");
  expect(toldHere.at(-1)).toEqual({ type: "instance.beat", instanceId: PEER });
  await pass(6);
  expect(await stateOfPeer()).toBe("silent");
  told.length = toldHere.length = 0;
  await pass(4);
  expect(await stateOfPeer()).toBeUndefined();
  expect(told.filter((event) => event.type !== "instance.beat")).toEqual([
    { type: "instance.down", instanceId: PEER },
    { type: "agent.disconnected", agentId: agent.id, userId: agent.userId },
    { type: "agent.stored", agentId: agent.id, userId: agent.userId },
    { type: "limits.changed", userId: viewer },
  ]);
  expect(toldHere).toEqual([]);
  expect(log.lines.map(({ message }) => message)).toEqual(["instance declared dead"]);
});

test("an instance that beats lives, whatever clocks say", async () => {
  const { clock, pass, stateOfPeer, store } = await start();
  clock.advance(3_600_000);
  await pass(60);
  clock.set(-7_200_000);
  await pass(60);
  expect(await stateOfPeer()).toBe("up");
  expect(store.calls).not.toContain("declareDead");
});

test.each([
  ["neither be read nor written", ["beat", "list"] as const],
  ["be read but not written", ["beat"] as const],
  ["be written but not read", ["list"] as const],
])("a database that could %s for a minute kills nobody, and time begins anew after it", async (_how, away) => {
  const { store, peer, pass, stateOfPeer, log } = await start();
  store.stopped.add(peer.run);
  await pass(20);
  for (const method of away) store.away.add(method);
  await pass(60);
  store.away.clear();
  await pass(24);
  expect(store.calls).not.toContain("declareDead");
  expect(await stateOfPeer()).toBe("silent");
  await pass(4);
  expect(await stateOfPeer()).toBeUndefined();
  expect(log.lines.map(({ message }) => message)).toEqual([
    "instances not observed",
    "instances observed again",
    "instance declared dead",
  ]);
});

test("a process that was stopped for a minute has seen nothing stand still", async () => {
  const { store, peer, monotonic, pass, stateOfPeer } = await start();
  store.stopped.add(peer.run);
  await pass(20);
  monotonic.advance(60_000);
  await pass(24);
  expect(store.calls).not.toContain("declareDead");
  expect(await stateOfPeer()).toBe("silent");
});

test("a heartbeat at the last moment is life", async () => {
  const { store, peer, pass, stateOfPeer } = await start();
  store.stopped.add(peer.run);
  await pass(24);
  store.stopped.clear();
  await pass(24);
  expect(await stateOfPeer()).toBe("up");
  expect(store.calls).not.toContain("declareDead");
});

test("who was not the first to declare an instance dead tells of it only here", async () => {
  const { store, peer, pass, told, toldHere } = await start();
  store.left.set(peer.run, { agents: [agent], users: [] });
  store.stopped.add(peer.run);
  store.declareDead = async () => void store.rows.delete(peer.run);
  await pass(30);
  expect(told.filter(({ type }) => type !== "instance.beat")).toEqual([]);
  expect(toldHere.at(-1)).toEqual({ type: "instance.down", instanceId: PEER });
});

test("who was declared dead enters again as the same run, and is told until it has succeeded", async () => {
  const { store, run, pass, counts, observer } = await start();
  store.rows.delete(run);
  store.away.add("reenter");
  await pass(4);
  expect(counts().revivals).toBe(0);
  store.away.clear();
  // The first try had arrived after all: the heartbeat finds a row.
  await store.reenter({ ...instanceEntry(), run, id: OWN });
  await pass(2);
  expect(counts().revivals).toBe(1);
  await pass(10);
  expect(counts().revivals).toBe(1);
  expect(await observer.list()).toHaveLength(2);
});

test("others come, drain, tell of themselves every 5 s, and go", async () => {
  const { store, pass, toldHere } = await start();
  const third = instanceEntry({ id: "third:7070" as InstanceId });
  store.add(third);
  await pass(10);
  store.rows.set(third.run, { ...store.rows.get(third.run)!, draining: true });
  await pass(2);
  const after = { ...third, run: "again" as RunId };
  store.rows.delete(third.run);
  store.add(after);
  await pass(2);
  store.rows.delete(after.run);
  await pass(2);
  const ofThird = toldHere.flatMap((event) =>
    "instanceId" in event && event.instanceId === third.id ? event.type : [],
  );
  expect(ofThird).toEqual(["up", "beat", "draining", "down", "up", "down"].map((what) => `instance.${what}`));
});

test("the list shows this instance as it is now and the others as they were seen, and nothing that is too old", async () => {
  const { observer, store, peer, pass, clock } = await start();
  const figures = { agents: 2, sessions: 3, busLagMs: 5, eventLoopP99Ms: 4 };
  const own = { id: OWN, version: "1.2.3", state: "up", startedAt: new Date(1000), ...figures };
  expect(await observer.list()).toEqual([
    { ...own, heartbeatAt: new Date(clock.now()) },
    { id: PEER, version: peer.version, state: "up", startedAt: peer.startedAt, heartbeatAt: new Date(0), ...NO_LOAD },
  ]);
  store.away.add("beat");
  await pass(15);
  expect(await observer.list()).toMatchObject([{ heartbeatAt: new Date(1000) }, { id: PEER }]);
  await pass(1);
  await expect(observer.list()).rejects.toMatchObject(unavailable);
  await expect(observer.drain(PEER)).rejects.toMatchObject(unavailable);
  store.away.clear();
  await pass(2);
  expect(await observer.list()).toHaveLength(2);
});
const NO_LOAD = { agents: 0, sessions: 0, busLagMs: 0, eventLoopP99Ms: 0 };

test("it tells that it is up, that it drains, once, and that it is down; another is asked to drain", async () => {
  const { observer, told, counts, asked, peer, store, run, pass } = await start();
  observer.up();
  expect(await observer.drain("nobody:7070" as InstanceId)).toBe(false);
  expect(await observer.drain(PEER)).toBe(true);
  expect(asked).toEqual([peer.run]);
  expect([observer.isDraining, counts().drains]).toEqual([false, 0]);
  expect([await observer.drain(OWN), await observer.drain(OWN)]).toEqual([true, true]);
  expect([observer.isDraining, counts().drains]).toEqual([true, 1]);
  expect(await observer.list()).toMatchObject([{ state: "draining" }, {}]);
  await pass(2);
  expect(store.rows.get(run)).toMatchObject({ draining: true });
  observer.down();
  const types = ["instance.up", "instance.draining", "instance.down"];
  expect(told).toEqual(types.map((type) => ({ type, instanceId: OWN })));
});

test("it finds instances by id and by run, the latest life of each, and looks again at most once a second", async () => {
  const { observer, store, peer, run, monotonic } = await start();
  expect(observer.runOf(OWN)).toEqual({ id: OWN, run });
  expect(observer.byRun(run)).toEqual({ id: OWN, run });
  expect(observer.runOf(PEER)).toEqual({ id: PEER, run: peer.run, peerUrl: "ws://peer" });
  const later = { ...peer, run: "later" as RunId, startedAt: new Date(peer.startedAt.getTime() + 1) };
  store.rows.delete(peer.run);
  store.add(later);
  store.add(peer);
  store.calls.length = 0;
  await observer.refresh();
  expect(observer.runOf(PEER)?.run).toBe(peer.run);
  monotonic.advance(1000);
  await Promise.all([observer.refresh(), observer.refresh()]);
  expect(store.calls).toEqual(["beat", "list"]);
  expect([observer.runOf(PEER)?.run, observer.byRun(later.run)?.id]).toEqual([later.run, PEER]);
  expect([observer.byRun(peer.run), observer.runOf("nobody" as InstanceId)]).toEqual([undefined, undefined]);
  store.away.add("list");
  monotonic.advance(1000);
  await expect(observer.refresh()).rejects.toMatchObject(unavailable);
});

test("it finds one that has entered since a look that is just over, or still under way, and looks once for all who ask", async () => {
  const { observer, store } = await start();
  const [second, third] = ["second", "third"].map((name) => instanceEntry({ id: name as InstanceId }));
  store.add(second!);
  store.calls.length = 0;
  const found = await Promise.all([
    observer.find(second!.id),
    observer.findRun(second!.run),
    observer.find(second!.id),
  ]);
  expect(found.map((address) => address?.run)).toEqual([second!.run, second!.run, second!.run]);
  expect(store.calls).toEqual(["beat", "list"]);
  const [list, listed] = [store.list, Promise.withResolvers<void>()];
  store.list = async () => {
    const rows = await list();
    await listed.promise;
    return rows;
  };
  const early = observer.find("nobody" as InstanceId);
  await vi.waitFor(() => expect(store.calls).toHaveLength(4), { timeout: 3_000 });
  store.add(third!);
  const late = observer.find(third!.id);
  listed.resolve();
  expect([await early, (await late)?.run]).toEqual([undefined, third!.run]);
}, 20_000);

test("a slow database is asked by one look at a time", async () => {
  const { observer, store, monotonic } = await start();
  const answers: (() => void)[] = [];
  store.beat = () => new Promise((resolve) => answers.push(() => resolve("alive")));
  for (let i = 0; i < 10; i++) {
    monotonic.advance(1000);
    observer.beat();
  }
  expect(answers).toHaveLength(1);
  const ended = observer.refresh();
  answers[0]?.();
  await ended;
  observer.beat();
  expect(answers).toHaveLength(2);
});

test("agents of no instance are looked for after 25 s without a break, and told of", async () => {
  const { store, pass, told } = await start();
  store.orphans.push(agent);
  await pass(20);
  store.away.add("list");
  await pass(10);
  store.away.clear();
  await pass(24);
  expect(store.calls).not.toContain("markOrphansOffline");
  await pass(4);
  expect(told).toContainEqual({ type: "agent.disconnected", agentId: agent.id, userId: agent.userId });
  expect(told).toContainEqual({ type: "agent.stored", agentId: agent.id, userId: agent.userId });
});

test("it leaves after the look that is under way, and does not come back by it", async () => {
  const { observer, store, run, monotonic, pass } = await start();
  monotonic.advance(2000);
  observer.beat();
  await observer.leave();
  expect(store.calls.slice(-3)).toEqual(["beat", "list", "leave"]);
  await pass(10);
  expect(store.rows.has(run)).toBe(false);
  store.away.add("leave");
  await observer.leave();
});
