// Who waits for whom in Postgres, and what is true when the wait is over.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AgentId, ConnectionId, RunId, UserId } from "../../src/protocol/ids.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { attemptOf, enrollIn } from "../support/mfa.ts";
import { addAgent, addUser, audit, instanceEntry, newEnrollmentCode } from "../support/sql-rows.ts";

const AT = new Date(Date.UTC(2030, 0, 1));
let stores: SqlStores;
/** A transaction of somebody else's. */
let other: pg.Client;

beforeEach(async () => {
  const url = await freshDatabase();
  stores = openPostgres({ url });
  await stores.migrate();
  other = new pg.Client({ connectionString: url });
  await other.connect();
  await other.query("BEGIN");
});
afterEach(async () => {
  await other.end();
  await stores.close();
});

async function somebodyWaits(): Promise<void> {
  const waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await expect.poll(async () => (await other.query(waits)).rowCount, { timeout: 10_000 }).toBe(1);
}

describe("an agent whose owner is deleted at the same moment", () => {
  test.each([
    ["delete", (id: AgentId) => stores.agents.delete(id, audit("agent.deleted"))],
    ["lock", (id: AgentId) => stores.mfa.lockAgent(id, audit("mfa.locked"))],
  ])("is no agent any more to who would %s it, and no word falls of the caller's token", async (_name, change) => {
    const owner = await addUser(stores);
    await enrollIn(stores, owner.id, { at: AT });
    const agent = await addAgent(stores, owner.id);
    await other.query("DELETE FROM users WHERE id = $1", [owner.id]);
    const changed = change(agent.id);
    await somebodyWaits();
    await other.query("COMMIT");
    expect(await changed).toBeUndefined();
  });
});

test("a code whose user is deleted at the same moment makes no agent, and waits for the user before it holds the code", async () => {
  const owner = await addUser(stores);
  const code = newEnrollmentCode(owner.id);
  await stores.enrollmentCodes.create(code, audit("enrollment_code.created"));
  await other.query("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", [owner.id]);
  const enrolled = stores.enrollmentCodes.enroll({ hash: code.hash, requestId: undefined }, () => {
    throw new Error("nobody's code");
  });
  await somebodyWaits();
  await other.query("SELECT 1 FROM enrollment_codes WHERE id = $1 FOR UPDATE NOWAIT", [code.id]);
  await other.query("DELETE FROM users WHERE id = $1", [owner.id]);
  await other.query("COMMIT");
  expect(await enrolled).toBeUndefined();
});

test("an expired code that somebody holds is waited for by nobody who makes another", async () => {
  const [owner, maker] = [await addUser(stores), await addUser(stores)];
  const expired = newEnrollmentCode(owner.id, { lifetimeMs: -1_000 });
  await stores.enrollmentCodes.create(expired, audit("enrollment_code.created"));
  await other.query("SELECT 1 FROM enrollment_codes WHERE id = $1 FOR UPDATE", [expired.id]);
  const made = await stores.enrollmentCodes.create(newEnrollmentCode(maker.id), audit("enrollment_code.created"));
  expect(made.outcome).toBe("created");
  await other.query("ROLLBACK");
});

test("the end of a second factor locks agents in the order that presence does", async () => {
  const user = await addUser(stores);
  await enrollIn(stores, user.id, { at: AT });
  const [first, last] = [randomUUID(), randomUUID()].sort() as [AgentId, AgentId];
  // However the rows are found, by place or by name, the last id would be the first.
  for (const id of [last, first]) {
    await addAgent(stores, user.id, { id, name: id === last ? "a" : "b" });
    await stores.mfa.lockAgent(id, audit("mfa.locked"));
  }
  const lock = "SELECT id FROM agents WHERE id = $1 FOR NO KEY UPDATE";
  await other.query(lock, [first]);
  const disabled = stores.mfa.attempt(
    attemptOf(user.id, { kind: "step", step: 5 }, { kind: "disable", unlocked: () => audit("mfa.unlocked") }, AT),
  );
  await somebodyWaits();
  await other.query(lock, [last]);
  await other.query("COMMIT");
  expect(await disabled).toMatchObject({ outcome: "proved" });
  for (const id of [first, last]) expect(await stores.agents.get(id)).toMatchObject({ mfaLocked: false });
});

describe("an instance that is declared dead", () => {
  const self = instanceEntry();
  const declareDead = () => stores.instances.declareDead({ run: self.run, beats: 0 });
  const slot = {
    userId: randomUUID() as UserId,
    agentId: randomUUID() as AgentId,
    connectionId: randomUUID() as ConnectionId,
  };
  beforeEach(async () => void (await stores.instances.enter(self)));

  async function connectedAgent(id = randomUUID() as AgentId) {
    const agent = await addAgent(stores, (await addUser(stores)).id, { id });
    await stores.agents.markConnected(id, AT, {}, { instanceId: self.id, epoch: 1 });
    return { id, userId: agent.userId };
  }

  test("lives where its heartbeat was being written", async () => {
    await other.query("UPDATE instances SET beats = beats + 1");
    const declared = declareDead();
    await somebodyWaits();
    await other.query("COMMIT");
    expect(await declared).toBeUndefined();
  });

  test("frees the slot that was being taken", async () => {
    await other.query("INSERT INTO terminal_slots VALUES ($1, $2, $3, $4)", [
      slot.connectionId,
      slot.userId,
      slot.agentId,
      self.run,
    ]);
    const declared = declareDead();
    await somebodyWaits();
    await other.query("COMMIT");
    expect(await declared).toEqual({ agents: [], users: [slot.userId] });
  });

  test("gives out no slot that would be taken meanwhile", async () => {
    await other.query("SELECT 1 FROM instances FOR UPDATE");
    const slots = stores.terminalSlots({ run: self.run, clock: { monotonicMs: () => 0 }, onChange: () => {} });
    const taken = slots.acquire(slot, 1);
    await somebodyWaits();
    // Waited for from the beginning: it may be refused before the commit has been answered.
    const refused = expect(taken).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
    await other.query("DELETE FROM instances");
    await other.query("COMMIT");
    await refused;
  });

  test("leaves alone an agent that was being taken over", async () => {
    const [stays, goes] = [await connectedAgent(), await connectedAgent()];
    await other.query("UPDATE agents SET instance_id = 'other', epoch = 2 WHERE id = $1", [goes.id]);
    const declared = declareDead();
    await somebodyWaits();
    await other.query("COMMIT");
    expect(await declared).toEqual({ agents: [stays], users: [] });
    expect(await stores.agents.get(goes.id)).toMatchObject({ status: "online", instanceId: "other" });
  });

  test("has its agents locked in the order that presence does", async () => {
    const [first, last] = [randomUUID(), randomUUID()].sort() as [AgentId, AgentId];
    for (const id of [last, first]) await connectedAgent(id);
    const lock = "SELECT id FROM agents WHERE id = $1 FOR NO KEY UPDATE";
    await other.query(lock, [first]);
    const declared = declareDead();
    await somebodyWaits();
    await other.query(lock, [last]);
    await other.query("COMMIT");
    expect((await declared)?.agents).toHaveLength(2);
  });

  test("leaves no agent online, also where two lives of it are declared dead at once", async () => {
    const again = { ...self, run: randomUUID() as RunId };
    await stores.instances.reenter(again);
    const agent = await connectedAgent();
    const declared = await Promise.all([self, again].map(({ run }) => stores.instances.declareDead({ run, beats: 0 })));
    expect(declared.flatMap((departure) => departure?.agents ?? [])).toEqual([agent]);
  });

  test("can have entered again while agents of no instance are looked for", async () => {
    const agent = await connectedAgent();
    await other.query("DELETE FROM instances");
    await other.query("COMMIT");
    // As `enter` does it.
    await other.query("BEGIN; SELECT pg_advisory_xact_lock(1, 0)");
    await other.query("INSERT INTO instances SELECT $1, $2, '', NULL, false, now(), 0, now(), 0, 0, 0, 0", [
      self.run,
      self.id,
    ]);
    const marked = stores.instances.markOrphansOffline();
    await somebodyWaits();
    await other.query("COMMIT");
    expect(await marked).toEqual([]);
    expect(await stores.agents.get(agent.id)).toMatchObject({ status: "online" });
  });
});
