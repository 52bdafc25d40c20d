// Lists of agents: filters, orders and pages.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentId, InstanceId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { Agent, AgentFilter, AgentOrder } from "../../src/server/domain/agents/agent.ts";
import type { PageCursor } from "../../src/server/domain/page.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken } from "../support/sql-rows.ts";

const A = "instance-a" as InstanceId;
const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 123));

describe.each(DATABASES)("lists of agents on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  async function read(id: AgentId): Promise<Agent> {
    const agent = await stores.agents.get(id);
    if (agent === undefined) throw new Error("agent is gone");
    return agent;
  }

  async function names(filter: AgentFilter, owner: User): Promise<string[]> {
    const order = { by: "name", descending: false } as const;
    const page = await stores.agents.list({ filter: { userId: owner.id, ...filter }, order, limit: 100 });
    expect(page.total).toBe(page.rows.length);
    return page.rows.map(({ name }) => name);
  }

  const orders: readonly AgentOrder[] = ["name", "created_at", "last_seen_at"];

  test("filters hold together", async () => {
    const owner = await addUser(stores);
    const add = (name: string, os: string, tags: string[]) => addAgent(stores, owner.id, { name, os, tags });
    const one = await add("one", "linux", ["web", "eu"]);
    await add("two", "linux", ["web"]);
    await add("three", "darwin", []);
    await stores.agents.markConnected(one.id, at(1), {}, { instanceId: A, epoch: 1 });

    expect(await names({}, owner)).toEqual(["one", "three", "two"]);
    expect(await names({ os: "linux" }, owner)).toEqual(["one", "two"]);
    expect(await names({ tags: ["web"] }, owner)).toEqual(["one", "two"]);
    expect(await names({ tags: ["web", "eu"] }, owner)).toEqual(["one"]);
    expect(await names({ tags: [] }, owner)).toHaveLength(3);
    expect(await names({ status: "online" }, owner)).toEqual(["one"]);
    expect(await names({ status: "registered", nameContains: "T" }, owner)).toEqual(["three", "two"]);
    expect(await names({ status: "online", os: "darwin" }, owner)).toEqual([]);
  });

  test("a filter's text means itself, whatever it is made of", async () => {
    const owner = await addUser(stores);
    const hostile = [
      "100%",
      "a_b",
      "it's",
      "back\\slash",
      "a%b",
      "x'; DROP TABLE agents; --",
      "{a,b}",
      'q"uote',
      "ÄÖÜ",
    ];
    for (const name of [...hostile, "plain", "axb"]) await addAgent(stores, owner.id, { name, tags: [name] });

    expect(await names({ nameContains: "%" }, owner)).toEqual(["100%", "a%b"]);
    expect(await names({ nameContains: "_" }, owner)).toEqual(["a_b"]);
    expect(await names({ nameContains: "\\" }, owner)).toEqual(["back\\slash"]);
    expect(await names({ nameContains: "'" }, owner)).toEqual(["it's", "x'; DROP TABLE agents; --"]);
    expect(await names({ nameContains: "a_" }, owner)).toEqual(["a_b"]);
    expect(await names({ nameContains: "äö" }, owner)).toEqual(["ÄÖÜ"]);
    expect(await names({ nameContains: "a\u0000" }, owner)).toEqual([]);
    for (const name of hostile) {
      expect(await names({ nameContains: name }, owner)).toEqual([name]);
      expect(await names({ tags: [name] }, owner)).toEqual([name]);
    }
    expect(await names({ os: "' OR true --" }, owner)).toEqual([]);
  });

  test.each(orders)("by %s, both ways, in pages of any size", async (by) => {
    const owner = await addUser(stores);
    const created: Agent[] = [];
    for (let i = 0; i < 11; i++) {
      const agent = newAgent(owner.id, { name: `${i % 3 === 0 ? "Ä" : "a"}${i}` });
      // Several at the same time: the id must break the tie.
      const record = audit("agent.registered", { at: at(Math.floor(i / 4)) });
      await stores.agents.register(agent, newAgentToken(), record);
      const where = { instanceId: A, epoch: 1 };
      if (i % 2 === 0) await stores.agents.markConnected(agent.id, at(Math.floor(i / 3)), {}, where);
      created.push(await read(agent.id));
    }
    const key = (agent: Agent): string => {
      if (by === "name") return Buffer.from(agent.name).toString("hex");
      return (by === "created_at" ? agent.createdAt : (agent.lastSeenAt ?? new Date(0))).toISOString();
    };
    const expected = created.map((agent) => `${key(agent)} ${agent.id}`).sort();

    for (const descending of [false, true]) {
      for (const limit of [1, 4, 11, 1000]) {
        const seen: string[] = [];
        let after: PageCursor | undefined;
        do {
          const order = { by, descending };
          const page = await stores.agents.list({
            filter: { userId: owner.id },
            order,
            limit,
            ...(after && { after }),
          });
          expect(page.total).toBe(11);
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          seen.push(...page.rows.map((agent) => `${key(agent)} ${agent.id}`));
          after = page.next;
        } while (after !== undefined);
        expect(seen).toEqual(descending ? expected.toReversed() : expected);
      }
    }
  });

  test("how many match is told also where none of them lies behind the cursor, or none is there at all", async () => {
    const owner = await addUser(stores);
    const list = (after?: PageCursor) => {
      const order = { by: "name", descending: false } as const;
      return stores.agents.list({ filter: { userId: owner.id }, order, limit: 10, ...(after && { after }) });
    };
    expect(await list()).toEqual({ rows: [], total: 0 });
    const last = await addAgent(stores, owner.id, { name: "z" });
    expect(await list({ value: last.name, id: last.id })).toEqual({ rows: [], total: 1 });
    expect(await list()).toEqual({ rows: [last], total: 1 });
  });

  test.each(orders)("paging by %s meets every row once while others come and go", async (by) => {
    const owner = await addUser(stores, { admin: true });
    const before: AgentId[] = [];
    for (let i = 0; i < 60; i++) before.push((await addAgent(stores, owner.id)).id);
    const seen: AgentId[] = [];
    let after: PageCursor | undefined;
    do {
      const [page, added] = await Promise.all([
        stores.agents.list({
          filter: { userId: owner.id },
          order: { by, descending: false },
          limit: 7,
          ...(after && { after }),
        }),
        addAgent(stores, owner.id),
      ]);
      if (seen.length % 2 === 0) await stores.agents.delete(added.id, audit("agent.deleted"));
      seen.push(...page.rows.map(({ id }) => id));
      after = page.next;
      if (seen.length > 200) throw new Error("paging does not end");
    } while (after !== undefined);

    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(before));
  });

  test("a cursor that no list has returned is refused by name", async () => {
    const bad: readonly [AgentOrder, PageCursor][] = [
      ["created_at", { value: "yesterday", id: randomUUID() }],
      ["created_at", { value: "+275760-09-13T00:00:00.000Z", id: randomUUID() }],
      ["last_seen_at", { value: "'; DROP TABLE agents", id: randomUUID() }],
      ["name", { value: "x", id: "no uuid" }],
    ];
    for (const [by, after] of bad) {
      const list = stores.agents.list({ filter: {}, order: { by, descending: false }, limit: 1, after });
      await expect(list).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
    }
    const odd = { value: "a'%\u0000\ud800", id: randomUUID() };
    await stores.agents.list({ filter: {}, order: { by: "name", descending: false }, limit: 1, after: odd });
  });
});
