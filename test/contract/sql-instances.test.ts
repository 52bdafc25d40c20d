// Instances in the database: they enter, beat, leave, and are declared dead at most once.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { InstanceId, RunId, UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { Agent } from "../../src/server/domain/agents/agent.ts";
import type { InstanceEntry } from "../../src/server/domain/instances/instance-store.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, instanceEntry } from "../support/sql-rows.ts";

const figures = { draining: false, agents: 0, sessions: 0, busLagMs: 0, eventLoopP99Ms: 0 };
const nobody = { agents: [], users: [] };
const restarted = (self: InstanceEntry): InstanceEntry => ({ ...self, run: randomUUID() as RunId });

async function connectedAgent(stores: SqlStores, instanceId: InstanceId, epoch = 1): Promise<Agent> {
  const agent = await addAgent(stores, (await addUser(stores)).id);
  await stores.agents.markConnected(agent.id, new Date(), {}, { instanceId, epoch });
  return agent;
}

const statusOf = async (stores: SqlStores, { id }: Agent) => (await stores.agents.get(id))?.status;
const offline = ({ id, userId }: Agent) => ({ id, userId });
const find = async (stores: SqlStores, run: RunId) => (await stores.instances.list()).find((one) => one.run === run);

describe.each(DATABASES)("instances on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => void (stores = await open()));
  afterAll(() => stores.close());

  async function enter(fields: Partial<InstanceEntry> = {}): Promise<InstanceEntry> {
    const self = instanceEntry(fields);
    await stores.instances.enter(self);
    return self;
  }

  test("are listed with what they said of themselves last", async () => {
    const [plain, reachable] = [await enter(), await enter({ peerUrl: "ws://10.0.0.1:7071" })];
    expect(await find(stores, plain.run)).toEqual({ ...plain, beats: 0, heartbeatAt: expect.any(Date) as Date });
    const now = { draining: true, agents: 2, sessions: 3, busLagMs: 1.5, eventLoopP99Ms: 2.25 };
    expect(await stores.instances.beat(reachable.run, now)).toBe("alive");
    expect(await stores.instances.beat(reachable.run, now)).toBe("alive");
    expect(await find(stores, reachable.run)).toMatchObject({ ...reachable, ...now, beats: 2 });
  });

  test("are declared dead once, and not where their hearts have beaten meanwhile", async () => {
    const { run, id } = await enter();
    const agent = await connectedAgent(stores, id);
    await stores.instances.beat(run, figures);
    expect(await stores.instances.declareDead({ run, beats: 0 })).toBeUndefined();
    expect(await statusOf(stores, agent)).toBe("online");

    const declared = await Promise.all([1, 2, 3].map(() => stores.instances.declareDead({ run, beats: 1 })));
    expect(declared.filter((departure) => departure !== undefined)).toEqual([{ agents: [offline(agent)], users: [] }]);
    expect(await find(stores, run)).toBeUndefined();
    expect(await stores.agents.get(agent.id)).toMatchObject({ status: "offline" });
    expect(await stores.agents.get(agent.id)).not.toHaveProperty("instanceId");
  });

  test("hear that they were declared dead, and enter again as they are", async () => {
    const self = await enter();
    await stores.instances.declareDead({ run: self.run, beats: 0 });
    expect(await stores.instances.beat(self.run, figures)).toBe("declared_dead");
    await stores.instances.reenter(self);
    await stores.instances.reenter(self);
    expect(await stores.instances.beat(self.run, figures)).toBe("alive");
    expect(await find(stores, self.run)).toMatchObject({ ...self, beats: 1 });
  });

  test("start again in the place of their earlier life, with its agents offline and its slots free", async () => {
    const before = await enter();
    const [agent, elsewhere] = [
      await connectedAgent(stores, before.id),
      await connectedAgent(stores, (await enter()).id),
    ];
    const userId = randomUUID() as UserId;
    const slots = stores.terminalSlots({ run: before.run, clock: { monotonicMs: () => 0 }, onChange: () => {} });
    const connectionId = randomUUID() as Parameters<typeof slots.acquire>[0]["connectionId"];
    await slots.acquire({ userId, agentId: agent.id, connectionId }, 1);

    const after = restarted(before);
    expect(await stores.instances.enter(after)).toEqual({ agents: [offline(agent)], users: [userId] });
    expect((await stores.instances.list()).filter(({ id }) => id === before.id)).toMatchObject([{ run: after.run }]);
    expect(await slots.used(userId)).toBe(0);
    expect(await statusOf(stores, agent)).toBe("offline");
    expect(await statusOf(stores, elsewhere)).toBe("online");
    expect(await stores.instances.enter(after)).toEqual(nobody); // Who does not know whether it has entered.
  });

  test("come back beside a successor, and the agents are offline when the last of the two is dead", async () => {
    const first = await enter();
    const second = restarted(first);
    await stores.instances.enter(second);
    await stores.instances.reenter(first);
    const agent = await connectedAgent(stores, first.id);
    expect(await stores.instances.declareDead({ run: first.run, beats: 0 })).toEqual(nobody);
    expect(await statusOf(stores, agent)).toBe("online");
    expect(await stores.instances.declareDead({ run: second.run, beats: 0 })).toMatchObject({
      agents: [offline(agent)],
    });
  });

  test("take what is theirs with them when they leave, once", async () => {
    const { run, id } = await enter();
    const agent = await connectedAgent(stores, id);
    expect(await stores.instances.leave(run)).toEqual({ agents: [offline(agent)], users: [] });
    expect(await stores.instances.leave(run)).toBeUndefined();
  });

  test("that are no instances any more have no agents", async () => {
    const { id } = await enter();
    const [kept, lost] = [await connectedAgent(stores, id), await connectedAgent(stores, "gone" as InstanceId)];
    expect(await stores.instances.markOrphansOffline()).toEqual([offline(lost)]);
    expect(await stores.instances.markOrphansOffline()).toEqual([]);
    expect(await statusOf(stores, kept)).toBe("online");
    expect(await statusOf(stores, lost)).toBe("offline");
  });

  test("a late word of a connection that ended with its instance brings no agent back, the next connection does", async () => {
    const { run, id } = await enter();
    const agent = await connectedAgent(stores, id, 7);
    await stores.instances.declareDead({ run, beats: 0 });
    await stores.agents.markConnected(agent.id, new Date(), {}, { instanceId: id, epoch: 7 });
    expect(await statusOf(stores, agent)).toBe("offline");
    await stores.agents.markConnected(agent.id, new Date(), {}, { instanceId: id, epoch: 8 });
    expect(await statusOf(stores, agent)).toBe("online");
  });

  test("epochs are exact as far as numbers are, and grow", async () => {
    const last = Number.MAX_SAFE_INTEGER;
    const agent = await connectedAgent(stores, "a" as InstanceId, 1_800_000_000_000_001);
    expect((await stores.agents.get(agent.id))?.epoch).toBe(1_800_000_000_000_001);
    await stores.agents.markConnected(agent.id, new Date(), {}, { instanceId: "b" as InstanceId, epoch: last });
    await stores.agents.markConnected(agent.id, new Date(), {}, { instanceId: "a" as InstanceId, epoch: last - 1 });
    expect(await stores.agents.get(agent.id)).toMatchObject({ epoch: last, instanceId: "b" });
    await stores.agents.markDisconnected(agent.id, new Date(), { instanceId: "a" as InstanceId, epoch: last - 1 });
    expect(await statusOf(stores, agent)).toBe("online");
    await stores.agents.markDisconnected(agent.id, new Date(), { instanceId: "b" as InstanceId, epoch: last });
    expect(await stores.agents.get(agent.id)).toMatchObject({ epoch: last, status: "offline" });
  });
});
