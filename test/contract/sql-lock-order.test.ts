// Who waits for whom in Postgres, and what is true when the wait is over.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { attemptOf, enrollIn } from "../support/mfa.ts";
import { addAgent, addUser, audit } from "../support/sql-rows.ts";

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
