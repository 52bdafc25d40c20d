// Terminal slots in the database, over instances that come, go and come back.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AgentId, ConnectionId, ShareId, UserId } from "../../src/protocol/ids.ts";
import { openPglite, openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { SqlTerminalSlots } from "../../src/server/adapters/sql/terminal-slots.ts";
import type { InstanceEntry } from "../../src/server/domain/instances/instance-store.ts";
import type { TerminalSlot } from "../../src/server/domain/plans/plan.ts";
import type { TestDatabase } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { manualClock } from "../support/manual-clock.ts";
import { instanceEntry } from "../support/sql-rows.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { terminalSlotsContract } from "./terminal-slots-contract.ts";

const aUserId = () => randomUUID() as UserId;
const slotOf = (userId: UserId, agentId = randomUUID() as AgentId): TerminalSlot => ({
  userId,
  agentId,
  connectionId: randomUUID() as ConnectionId,
});
const unavailable = { name: "DomainError", reason: "BACKEND_UNAVAILABLE" };

/** A run that has entered, its slots, and whom it has told of. */
async function enter(stores: SqlStores) {
  const clock = manualClock();
  const self = instanceEntry();
  const told: UserId[] = [];
  await stores.instances.enter(self);
  const slots = stores.terminalSlots({ run: self.run, clock, onChange: (userId) => void told.push(userId) });
  return { self, slots, told, clock };
}

const declareDead = (stores: SqlStores, { run }: InstanceEntry) => stores.instances.declareDead({ run, beats: 0 });

/** Many at once wait for a connection, however slow the machine is: who is turned away for that is not what is shown. */
const connectTimeoutMs = 60_000;
const PATIENT: readonly TestDatabase[] = [
  { name: "Postgres", open: async () => openPostgres({ url: await freshDatabase(), connectTimeoutMs }) },
  { name: "PGlite", open: () => openPglite() },
];

for (const { name, open } of PATIENT) {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
    await stores.migrate();
  });
  afterAll(() => stores.close());

  terminalSlotsContract({
    name,
    open: async () => (await enter(stores)).slots,
    // PGlite answers one after the other.
    ...(name === "Postgres" ? { atOnce: 64, steps: 4_000 } : { atOnce: 2, steps: 500 }),
  });

  describe(`terminal slots of instances in ${name}`, () => {
    test("of a dead run are free once it is declared dead, and not before", async () => {
      const [dead, living] = [await enter(stores), await enter(stores)];
      const userId = aUserId();
      for (const _ of [1, 2]) expect(await dead.slots.acquire(slotOf(userId), 2)).toEqual({ granted: true });
      expect(await living.slots.acquire(slotOf(userId), 2)).toEqual({ granted: false, used: 2 });
      expect(await stores.instances.declareDead({ run: dead.self.run, beats: 99 })).toBeUndefined();
      expect(await living.slots.used(userId)).toBe(2);

      expect(await declareDead(stores, dead.self)).toEqual({ agents: [], users: [userId] });
      expect(await living.slots.used(userId)).toBe(0);
      expect(await living.slots.acquire(slotOf(userId), 2)).toEqual({ granted: true });
    });

    test("are not given out by a run that was declared dead, until it has entered again", async () => {
      const { self, slots } = await enter(stores);
      const userId = aUserId();
      await declareDead(stores, self);
      await expect(slots.acquire(slotOf(userId), 5)).rejects.toMatchObject(unavailable);
      await stores.instances.reenter(self);
      expect(await slots.acquire(slotOf(userId), 5)).toEqual({ granted: true });
    });

    test("of a run that has come back count again, those that were given back meanwhile do not", async () => {
      const [woken, other] = [await enter(stores), await enter(stores)];
      const userId = aUserId();
      const [kept, closed, lost] = [slotOf(userId), slotOf(userId), slotOf(userId)];
      for (const slot of [kept, closed, lost]) await woken.slots.acquire(slot, 3);
      await declareDead(stores, woken.self);
      await expect(woken.slots.reacquire()).rejects.toMatchObject(unavailable);
      await woken.slots.release(closed);
      expect(await other.slots.acquire(slotOf(userId), 2)).toEqual({ granted: true });

      await stores.instances.reenter(woken.self);
      woken.told.length = 0;
      await woken.slots.tick(); // What failed is done again.
      expect(woken.told).toEqual([userId]);
      expect(await other.slots.used(userId)).toBe(3);
      expect(await other.slots.acquire(slotOf(userId), 3)).toEqual({ granted: false, used: 3 });
      await Promise.all([woken.slots.reacquire(), woken.slots.release(lost)]);
      await woken.slots.tick();
      expect(await other.slots.used(userId)).toBe(2);
    });

    test("tell of a user when the number may be another", async () => {
      const { slots, told } = await enter(stores);
      const userId = aUserId();
      const [first, second] = [slotOf(userId), slotOf(userId)];
      await slots.acquire(first, 1);
      await slots.acquire({ ...second, agentId: first.agentId }, 1);
      await slots.acquire(second, 1);
      await slots.check(second, 1);
      expect(told).toEqual([userId]);
      await slots.release(first);
      await slots.release(first);
      expect(told).toEqual([userId, userId]);
    });

    test("of guests go with their run and come back with it, and nobody is told of them as of a user", async () => {
      const { self, slots, told } = await enter(stores);
      const shareId = randomUUID() as ShareId;
      const [kept, left] = [1, 2].map(() => ({ shareId, connectionId: randomUUID() as ConnectionId }));
      for (const guest of [kept!, left!]) await slots.acquire(guest, 2);
      await slots.release(left!);
      expect(await declareDead(stores, self)).toEqual({ agents: [], users: [] });
      expect(await slots.used(shareId)).toBe(0);
      await stores.instances.reenter(self);
      await slots.reacquire();
      expect(await slots.used(shareId)).toBe(1);
      expect(told).toEqual([]);
    });

    test("are counted for many users at a time", async () => {
      const { slots } = await enter(stores);
      const users = Array.from({ length: 50 }, aUserId);
      for (const userId of users.slice(0, 3)) await slots.acquire(slotOf(userId), 1);
      const counts = await Promise.all(users.map((userId) => slots.used(userId)));
      expect(counts).toEqual(users.map((_, i) => (i < 3 ? 1 : 0)));
    });
  });
}

describe("terminal slots over two instances on one Postgres", () => {
  test("never exceed the limit under 2,000 acquires at once, one third of them given back", async () => {
    const url = await freshDatabase();
    const pools = [1, 2].map(() => openPostgres({ url, connectTimeoutMs }));
    await pools[0]!.migrate();
    const instances = await Promise.all(pools.map(enter));
    const limit = 5;
    const users = Array.from({ length: 4 }, () => ({ userId: aUserId(), held: new Set<AgentId>() }));
    let granted = 0;
    const acquires = (count: number) =>
      Array.from({ length: count }, async (_, i) => {
        const { slots } = instances[i % 2]!;
        const user = users[(i >> 1) % users.length]!;
        const slot = slotOf(user.userId);
        if (!(await slots.acquire(slot, limit)).granted) return;
        granted += 1;
        user.held.add(slot.agentId);
        expect(user.held.size).toBeLessThanOrEqual(limit);
        if (granted % 3 > 0) return;
        user.held.delete(slot.agentId);
        await slots.release(slot);
      });
    await Promise.all(acquires(1_000));
    // What was given back by then is to be had.
    await Promise.all(acquires(1_000));
    expect(granted).toBeGreaterThan(limit * users.length);
    for (const { userId, held } of users) {
      for (const { slots } of instances) expect(await slots.used(userId)).toBe(held.size);
    }
    await Promise.all(pools.map((pool) => pool.close()));
  });
});

describe("terminal slots behind a bad network", () => {
  let url: string;
  let proxy: TcpProxy;
  let stores: SqlStores;
  let slots: SqlTerminalSlots;
  let clock: ReturnType<typeof manualClock>;
  beforeEach(async () => {
    url = await freshDatabase();
    const { hostname, port } = new URL(url);
    proxy = await startTcpProxy({ host: hostname, port: Number(port || 5432) });
    stores = openPostgres({ url: proxy.through(url), statementTimeoutMs: 1_000 });
    await stores.migrate();
    ({ slots, clock } = await enter(stores));
  });
  afterEach(async () => {
    await stores.close();
    await proxy.close();
  });

  test("are refused while the database is down, and given back when it is there again", async () => {
    const userId = aUserId();
    const slot = slotOf(userId);
    await slots.acquire(slot, 1);
    await proxy.cut();
    await expect(slots.acquire(slotOf(userId), 1)).rejects.toMatchObject(unavailable);
    await expect(slots.check(slot, 1)).rejects.toMatchObject(unavailable);
    await expect(slots.used(userId)).rejects.toMatchObject(unavailable);
    await expect(slots.release(slot)).rejects.toMatchObject(unavailable);
    await expect(slots.tick()).rejects.toMatchObject(unavailable);
    await proxy.mend();
    await slots.tick();
    expect(await slots.used(userId)).toBe(0);
  });

  test("that may have been taken without our hearing of it are given back, also when that shows late", async () => {
    const userId = aUserId();
    const slot = slotOf(userId);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query("BEGIN; SELECT 1 FROM instances FOR UPDATE");
    await expect(slots.acquire(slot, 1)).rejects.toMatchObject(unavailable);
    await other.query("ROLLBACK");
    const commitLate = () =>
      other.query("INSERT INTO terminal_slots SELECT $1, $2, $3, run FROM instances", [
        slot.connectionId,
        slot.userId,
        slot.agentId,
      ]);

    for (const afterMs of [0, 29_000, 1_000]) {
      clock.advance(afterMs);
      await commitLate();
      await slots.tick();
      expect(await slots.used(userId)).toBe(0);
    }
    await commitLate(); // Postgres would have ended such a transaction by now: it is nobody's concern any more.
    await slots.tick();
    expect(await slots.used(userId)).toBe(1);
    await other.end();
  });
});
