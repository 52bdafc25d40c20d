// Agents: what their owners change, and what connections write of them.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentId, InstanceId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { Agent, SystemInfo } from "../../src/server/domain/agents/agent.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken, newToken } from "../support/sql-rows.ts";

const A = "instance-a" as InstanceId;
const B = "instance-b" as InstanceId;
const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 123));

describe.each(DATABASES)("agents on $name", ({ open }) => {
  let stores: SqlStores;
  let user: User;
  beforeAll(async () => {
    stores = await open();
    user = await addUser(stores, { admin: true });
  });
  afterAll(() => stores.close());

  async function read(id: AgentId): Promise<Agent> {
    const agent = await stores.agents.get(id);
    if (agent === undefined) throw new Error("agent is gone");
    return agent;
  }

  test("an id that never was is undefined", async () => {
    const id = randomUUID() as AgentId;
    expect(await stores.agents.get(id)).toBeUndefined();
    expect(await stores.agents.update(id, { name: "x" }, audit("x"))).toBeUndefined();
    expect(await stores.agents.delete(id, audit("x"))).toBeUndefined();
  });

  describe("the owner's changes", () => {
    test("change what they name, and when", async () => {
      const agent = await addAgent(stores, user.id, { description: "old", tags: ["a"] });
      const changed = await stores.agents.update(agent.id, { description: "new" }, audit("x", { at: at(1) }));
      expect(changed).toEqual({ ...agent, description: "new", updatedAt: at(1) });
      expect(await read(agent.id)).toEqual(changed);

      await stores.agents.update(agent.id, { name: "Renamed Ünit", tags: [], shell: "/bin/sh" }, audit("x"));
      expect(await read(agent.id)).toMatchObject({ name: "Renamed Ünit", description: "new", tags: [] });
      const filter = { userId: user.id, nameContains: "RENAMED ü" };
      const found = await stores.agents.list({ filter, order: { by: "name", descending: false }, limit: 10 });
      expect(found.rows.map(({ name }) => name)).toEqual(["Renamed Ünit"]);
    });

    test("cannot take another's name, but keep their own", async () => {
      const [one, two] = [await addAgent(stores, user.id), await addAgent(stores, user.id)];
      expect(await stores.agents.update(two.id, { name: one.name }, audit("x"))).toBe("name_taken");
      expect(await stores.agents.update(two.id, { name: two.name }, audit("x"))).toMatchObject({ name: two.name });
    });

    test("deleting takes the tokens along and returns their hashes", async () => {
      const token = newAgentToken();
      const agent = newAgent(user.id);
      await stores.agents.register(agent, token, audit("agent.registered"));
      const second = newToken(user.id, { scopes: ["agent"], agentId: agent.id });
      await stores.tokens.create(second, audit("token.created"));

      const deleted = await stores.agents.delete(agent.id, audit("agent.deleted"));

      expect([...(deleted?.tokenHashes ?? [])].sort()).toEqual([token.hash, second.hash].sort());
      expect(await stores.agents.get(agent.id)).toBeUndefined();
      for (const { hash } of [token, second]) expect(await stores.tokens.findByHash(hash)).toBeUndefined();
    });

    test("a token made while its agent is deleted is refused or among those returned", async () => {
      for (let round = 0; round < 10; round++) {
        const agent = await addAgent(stores, user.id);
        const token = newToken(user.id, { scopes: ["agent"], agentId: agent.id });
        const [created, deleted] = await Promise.allSettled([
          stores.tokens.create(token, audit("token.created")),
          stores.agents.delete(agent.id, audit("agent.deleted")),
        ]);
        if (deleted.status === "rejected") throw deleted.reason;
        if (created.status === "fulfilled") expect(deleted.value?.tokenHashes).toContain(token.hash);
        else expect(created.reason).toMatchObject({ reason: "AGENT_NOT_FOUND" });
        expect(await stores.tokens.findByHash(token.hash)).toBeUndefined();
      }
    });
  });

  describe("presence", () => {
    test("a connection marks its agent online with what the agent says of itself, and offline at its end", async () => {
      const agent = await addAgent(stores, user.id, { os: "linux", arch: "x64" });
      const facts = { os: "darwin", distro: "macOS 15", version: "1.2.3" };
      await stores.agents.markConnected(agent.id, at(1), facts, { instanceId: A, epoch: 7 });
      const online = { status: "online", connectedAt: at(1), lastSeenAt: at(1), instanceId: A, arch: "x64", ...facts };
      expect(await read(agent.id)).toMatchObject(online);

      await stores.agents.markDisconnected(agent.id, at(9), { instanceId: A, epoch: 7 });
      const offline = await read(agent.id);
      expect(offline).toMatchObject({ status: "offline", connectedAt: at(1), lastSeenAt: at(9) });
      expect(offline).not.toHaveProperty("instanceId");
    });

    test("whoever marks an agent connected hears whether it is there, also where the mark changes nothing", async () => {
      const { id } = await addAgent(stores, user.id);
      const gone = randomUUID() as AgentId;
      const where = { instanceId: A, epoch: 2 };
      const mark = (of: AgentId, epoch = 2) => stores.agents.markConnected(of, at(1), {}, { ...where, epoch });
      expect(await Promise.all([mark(id), mark(gone), mark(id), mark(id, 1)])).toEqual([true, false, true, true]);
      expect(await mark(id, 1)).toBe(true);
      await stores.agents.delete(id, audit("x"));
      expect(await mark(id)).toBe(false);
    });

    test("what a machine is comes with its connection, and stays where a connection says nothing of it", async () => {
      const { id } = await addAgent(stores, user.id);
      const systemInfo = { hostname: "h\u0000", cpuCount: 4 } as SystemInfo;
      await stores.agents.markConnected(id, at(1), { systemInfo }, { instanceId: A, epoch: 1 });
      await stores.agents.markConnected(id, at(2), {}, { instanceId: A, epoch: 2 });
      expect((await read(id)).systemInfo).toEqual({ hostname: "h\uFFFD", cpuCount: 4 });
    });

    test("an older epoch changes nothing", async () => {
      const { id } = await addAgent(stores, user.id);
      await stores.agents.markConnected(id, at(5), {}, { instanceId: B, epoch: 2 ** 40 });
      const current = await read(id);

      await stores.agents.markDisconnected(id, at(6), { instanceId: A, epoch: 2 ** 40 - 1 });
      await stores.agents.markConnected(id, at(7), { os: "old" }, { instanceId: A, epoch: 3 });

      expect(await read(id)).toEqual(current);
    });

    test("a beginning that is written after its own end brings nobody back", async () => {
      const { id } = await addAgent(stores, user.id);
      await stores.agents.markDisconnected(id, at(2), { instanceId: A, epoch: 5 });
      await stores.agents.markConnected(id, at(1), {}, { instanceId: A, epoch: 5 });
      expect(await read(id)).toMatchObject({ status: "offline" });

      await stores.agents.markConnected(id, at(3), {}, { instanceId: A, epoch: 6 });
      expect(await read(id)).toMatchObject({ status: "online" });
    });

    test("the same connection may say more of its agent", async () => {
      const { id } = await addAgent(stores, user.id);
      await stores.agents.markConnected(id, at(1), {}, { instanceId: A, epoch: 1 });
      await stores.agents.markConnected(id, at(1), { version: "2" }, { instanceId: A, epoch: 1 });
      expect(await read(id)).toMatchObject({ status: "online", version: "2" });
    });

    test("what many report at once is each its own, and of one agent the latest epoch's counts", async () => {
      const ids = await Promise.all(Array.from({ length: 20 }, async () => (await addAgent(stores, user.id)).id));
      await Promise.all(
        ids.flatMap((id, n) => [
          stores.agents.markConnected(id, at(1), { os: `old-${n}`, arch: "x64" }, { instanceId: A, epoch: 1 }),
          stores.agents.markConnected(id, at(3), { os: `new-${n}` }, { instanceId: B, epoch: 2 }),
          stores.agents.markDisconnected(id, at(2), { instanceId: A, epoch: 1 }),
        ]),
      );
      for (const [n, id] of ids.entries()) {
        const newer = { status: "online", epoch: 2, instanceId: B, os: `new-${n}`, connectedAt: at(3) };
        expect(await read(id)).toMatchObject(newer);
      }
    });

    test("signs of life are written for many at once, and wake nobody who is gone", async () => {
      const ids: AgentId[] = [];
      for (let i = 0; i < 4; i++) ids.push((await addAgent(stores, user.id)).id);
      const [online, suspect, offline, registered] = ids as [AgentId, AgentId, AgentId, AgentId];
      for (const id of [online, suspect, offline]) {
        await stores.agents.markConnected(id, at(1), {}, { instanceId: A, epoch: 1 });
      }
      await stores.agents.markDisconnected(offline, at(2), { instanceId: A, epoch: 1 });

      await stores.agents.markSeen([
        ...ids.map((id) => ({ id, at: at(5), status: "online" as const })),
        { id: suspect, at: at(0), status: "suspect" },
        { id: randomUUID() as AgentId, at: at(5), status: "online" },
      ]);
      await stores.agents.markSeen([]);

      expect(await read(online)).toMatchObject({ status: "online", lastSeenAt: at(5) });
      expect(await read(suspect)).toMatchObject({ status: "suspect", lastSeenAt: at(1) });
      expect(await read(offline)).toMatchObject({ status: "offline", lastSeenAt: at(2) });
      expect(await read(registered)).toMatchObject({ status: "registered" });
    });

    test("batches that overlap in another order don't wait for each other for ever", async () => {
      const ids: AgentId[] = [];
      for (let i = 0; i < 50; i++) ids.push((await addAgent(stores, user.id)).id);
      const batch = ids.map((id) => ({ id, at: at(1), status: "online" as const }));
      const batches = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? batch : batch.toReversed()));
      await Promise.all(batches.map((seen) => stores.agents.markSeen(seen)));
    });

    test("what an instance held when it last ran is offline, and nothing else", async () => {
      const instance = randomUUID() as InstanceId;
      const [mine, theirs] = [await addAgent(stores, user.id), await addAgent(stores, user.id)];
      await stores.agents.markConnected(mine.id, at(1), {}, { instanceId: instance, epoch: 1 });
      await stores.agents.markConnected(theirs.id, at(1), {}, { instanceId: B, epoch: 1 });

      expect(await stores.agents.markAllOffline(instance, at(9))).toBe(1);
      expect(await stores.agents.markAllOffline(instance, at(9))).toBe(0);

      expect(await read(mine.id)).toMatchObject({ status: "offline", lastSeenAt: at(1) });
      expect(await read(theirs.id)).toMatchObject({ status: "online" });
    });

    test("system information and statistics come back as they went in, large numbers too", async () => {
      const { id } = await addAgent(stores, user.id);
      const info: SystemInfo = {
        ...{ hostname: "büro\u0000\ud800", os: "linux", arch: "x64", distro: "Debian 12", region: "eu" },
        ...{ cpuCount: 4, memoryTotalBytes: 2 ** 53 - 1, memoryAvailableBytes: 2, memoryFreeBytes: 1 },
        ...{ diskTotalBytes: 3, diskAvailableBytes: 2, diskFreeBytes: 2 },
        ...{ virtualization: "kvm", isRoot: true, hasSudo: false },
      };
      const stats = { measuredAt: at(3), cpuPercent: 12.5, memoryUsedBytes: 1, diskUsedBytes: undefined };
      await stores.agents.saveSystemInfo(id, info);
      await stores.agents.saveStats(id, { ...stats, memoryTotalBytes: Number.NaN });

      const agent = await read(id);
      expect(agent.systemInfo).toEqual({ ...info, hostname: "büro\uFFFD\uFFFD" });
      expect(agent.stats).toEqual(stats);
    });
  });
});
