// A database that can't be used is BACKEND_UNAVAILABLE, whatever is wrong with it, and never "not found".
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentId, ConnectionId, InstanceId, RunId, TokenId, UserId } from "../../src/protocol/ids.ts";
import { openPglite, openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { addUser, audit, instanceEntry, newAgent, newAgentToken, newToken } from "../support/sql-rows.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const id = randomUUID();
const page = { filter: {}, order: { by: "created_at", descending: false }, limit: 10 } as const;
const where = { instanceId: "i" as InstanceId, epoch: 1 };
const person = { email: "a@example.org", username: "a", plan: "free", subscriptionActive: false, admin: false };
const newUser = { id: id as UserId, ...person };
const stats = { measuredAt: new Date() };
const slot = { userId: id as UserId, agentId: id as AgentId, connectionId: id as ConnectionId };
const slots = (s: SqlStores) =>
  s.terminalSlots({ run: id as RunId, clock: { monotonicMs: () => 0 }, onChange: () => {} });

/** Every method of every store, as somebody would call it. */
const CALLS: Readonly<Record<string, (stores: SqlStores) => Promise<unknown>>> = {
  "agents.register": (s) => s.agents.register(newAgent(id as UserId), newAgentToken(), audit("x")),
  "agents.get": (s) => s.agents.get(id as AgentId),
  "agents.list": (s) => s.agents.list(page),
  "agents.update": (s) => s.agents.update(id as AgentId, { name: "n" }, audit("x")),
  "agents.delete": (s) => s.agents.delete(id as AgentId, audit("x")),
  "agents.markConnected": (s) => s.agents.markConnected(id as AgentId, new Date(), {}, where),
  "agents.markDisconnected": (s) => s.agents.markDisconnected(id as AgentId, new Date(), where),
  "agents.markSeen": (s) => s.agents.markSeen([{ id: id as AgentId, at: new Date(), status: "online" }]),
  "agents.saveStats": (s) => s.agents.saveStats(id as AgentId, stats),
  "agents.markAllOffline": (s) => s.agents.markAllOffline("i" as InstanceId, new Date()),
  "tokens.findByHash": (s) => s.tokens.findByHash("00"),
  "tokens.create": (s) => s.tokens.create(newToken(id as UserId), audit("x")),
  "tokens.list": (s) => s.tokens.list(page),
  "tokens.get": (s) => s.tokens.get(id as TokenId),
  "tokens.revoke": (s) => s.tokens.revoke(id as TokenId, new Date(), audit("x")),
  "tokens.markUsed": (s) => s.tokens.markUsed([{ id: id as TokenId, at: new Date() }]),
  "users.get": (s) => s.users.get(id as UserId),
  "users.ensure": (s) => addUser(s),
  "users.create": (s) => s.users.create(newUser, audit("x")),
  "users.list": (s) => s.users.list(page),
  "users.update": (s) => s.users.update(id as UserId, { username: "n" }, audit("x")),
  "users.delete": (s) => s.users.delete(id as UserId, audit("x")),
  "plans.get": (s) => s.plans.get("free"),
  "plans.set": (s) => s.plans.set({ name: "n", maxAgents: 1, maxTerminalAgents: 1 }, audit("x")),
  "plans.usage": (s) => s.plans.usage(id as UserId),
  "plans.listUsage": (s) => s.plans.listUsage({ ...page, order: { by: "user_id", descending: false } }),
  "plans.countAgents": (s) => s.plans.countAgents(id as UserId),
  "audit.append": (s) => s.audit.append(audit("x")),
  "instances.enter": (s) => s.instances.enter(instanceEntry()),
  "instances.reenter": (s) => s.instances.reenter(instanceEntry()),
  "instances.beat": (s) => s.instances.beat(id as RunId, instanceEntry()),
  "instances.list": (s) => s.instances.list(),
  "instances.declareDead": (s) => s.instances.declareDead({ run: id as RunId, beats: 0 }),
  "instances.leave": (s) => s.instances.leave(id as RunId),
  "instances.markOrphansOffline": (s) => s.instances.markOrphansOffline(),
  "slots.acquire": (s) => slots(s).acquire(slot, 1),
  "slots.check": (s) => slots(s).check(slot, 1),
  "slots.release": (s) => slots(s).release(slot),
  "slots.used": (s) => slots(s).used(id as UserId),
  ping: (s) => s.ping(),
};

const unavailable = { name: "DomainError", reason: "BACKEND_UNAVAILABLE", cause: expect.any(Error) as Error };

describe("Postgres behind a bad network", () => {
  let proxy: TcpProxy;
  let stores: SqlStores;
  beforeEach(async () => {
    const url = await freshDatabase();
    const { hostname, port } = new URL(url);
    proxy = await startTcpProxy({ host: hostname, port: Number(port || 5432) });
    stores = openPostgres({ url: proxy.through(url), connectTimeoutMs: 2_500, statementTimeoutMs: 500 });
    await stores.migrate();
    await stores.ping();
  });
  afterEach(async () => {
    await stores.close();
    await proxy.close();
  });

  test.each(Object.entries(CALLS))("%s is refused while the database is down", async (_name, call) => {
    await proxy.cut();
    await expect(call(stores)).rejects.toMatchObject(unavailable);
  });

  test("migrations are refused while the database is down", async () => {
    await proxy.cut();
    await expect(stores.migrate()).rejects.toMatchObject(unavailable);
  });

  test("what was under way when the connection broke is refused", async () => {
    proxy.fallSilent();
    const calls = Object.values(CALLS).map((call) => call(stores));
    const settled = Promise.allSettled(calls);
    await proxy.cut();

    for (const result of await settled) {
      expect(result).toMatchObject({ status: "rejected", reason: unavailable });
    }
  });

  test("a database that falls silent is given up in time, and used again when it is back", async () => {
    const user = await addUser(stores);
    proxy.fallSilent();
    const started = performance.now();

    await expect(stores.users.get(user.id)).rejects.toMatchObject(unavailable);
    await expect(
      stores.agents.register(newAgent(user.id), newAgentToken(), audit("agent.registered")),
    ).rejects.toMatchObject(unavailable);

    expect(performance.now() - started).toBeLessThan(10_000);
    await proxy.mend();
    expect(await stores.users.get(user.id)).toEqual(user);
  });

  test("a connection that got no answer in time is not used again", async () => {
    const user = await addUser(stores);
    proxy.loseConnections();
    await expect(stores.users.get(user.id)).rejects.toMatchObject(unavailable);
    expect(await stores.users.get(user.id)).toEqual(user);

    proxy.loseConnections();
    const registration = stores.agents.register(newAgent(user.id), newAgentToken(), audit("agent.registered"));
    await expect(registration).rejects.toMatchObject(unavailable);
    expect(await stores.users.get(user.id)).toEqual(user);
  });

  test("after an outage the same stores work again", async () => {
    const user = await addUser(stores);
    await proxy.cut();
    await expect(stores.users.get(user.id)).rejects.toMatchObject(unavailable);
    await proxy.mend();
    expect(await stores.users.get(user.id)).toEqual(user);
  });
});

describe("other reasons why a database can't be used", () => {
  test("a missing database and a host without a name", async () => {
    const url = new URL(await freshDatabase());
    const wrongDatabase = Object.assign(new URL(url), { pathname: "/no_such_database" });
    const wrongHost = Object.assign(new URL(url), { hostname: "no-such-host.invalid" });
    for (const wrong of [wrongDatabase, wrongHost]) {
      const stores = openPostgres({ url: wrong.href });
      await expect(stores.ping()).rejects.toMatchObject(unavailable);
      await stores.close();
    }
  });

  test("closing lets what is under way end", async () => {
    const embedded = await openPglite();
    const remote = openPostgres({ url: await freshDatabase() });
    for (const stores of [embedded, remote]) {
      await stores.migrate();
      const user = await addUser(stores);
      const underWay = [1, 2, 3].map(() =>
        stores.agents.register(newAgent(user.id), newAgentToken(), audit("agent.registered")),
      );
      const closed = stores.close();
      expect((await Promise.all(underWay)).map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
      await closed;
    }
  });

  test("stores that have been closed", async () => {
    const embedded = await openPglite();
    await embedded.migrate();
    const remote = openPostgres({ url: await freshDatabase() });
    for (const stores of [embedded, remote]) {
      await stores.close();
      await stores.close();
      for (const call of Object.values(CALLS)) await expect(call(stores)).rejects.toMatchObject(unavailable);
    }
  });
});
