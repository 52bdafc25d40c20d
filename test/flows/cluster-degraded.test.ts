// What a user sees of two instances without Redis, without Postgres, and without both: terminals that are open go on, what
// can't be decided is refused with a time to come back, and all heals by itself.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService, ListEventsRequest } from "../../src/gen/rexec/event/v1/event_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { figuresOf, readinessOf, saysOn } from "../support/figures.ts";
import { grpcCaller, ok } from "../support/grpc-call.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { type Refused, WireSocket } from "../wire/wire-socket.ts";

const HEALED_WITHIN_MS = 15_000;
/** Longer than an instance may be silent before the others declare it dead. */
const AWAY_MS = 30_000;

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
});
afterAll(() => cluster.close());

let owner: User;
let token: string;
/** On the first instance and on the second. */
let agents: [V2Agent, V2Agent];
/** On the first agent, from its own instance and straight from the other; on the second agent from its own. */
let viewers: { viewer: V2Viewer; agent: V2Agent }[];
beforeEach(async () => {
  owner = await cluster.addUser();
  token = (await cluster.addToken(owner, { scopes: ["write"] })).secret;
  agents = [
    await V2Agent.connect(one, await cluster.addAgent(owner)),
    await V2Agent.connect(two, await cluster.addAgent(owner)),
  ];
  viewers = [];
  for (const [server, agent] of [
    [one, agents[0]],
    [two, agents[0]],
    [two, agents[1]],
  ] as const) {
    viewers.push({ viewer: await V2Viewer.open(server.wsUrl, agent.agentId, { token }), agent });
  }
  expect(await figuresOf(two)).toMatchObject({ 'rexec_routes{direction="out",path="direct"}': 1 });
  expect(await figuresOf(one)).toMatchObject({ 'rexec_routes{direction="in",path="direct"}': 1 });
});
afterEach(async () => {
  for (const { wire } of agents) wire.socket.terminate();
  for (const { viewer } of viewers) viewer.wire.socket.terminate();
  await saysOn([two], { 'rexec_routes{direction="out",path="direct"}': 0 }, 60_000);
});

/** Every open terminal, both ways. */
async function goOn(): Promise<void> {
  for (const { viewer, agent } of viewers) {
    const [typed, printed] = [randomUUID(), randomUUID()];
    await viewer.type(typed);
    await agent.isTyped(typed);
    agent.output(printed);
    await viewer.sees(printed);
  }
}

const refusedAt = (server: TestServer, agentId: AgentId): Promise<Refused> =>
  WireSocket.refused(`${server.wsUrl}/ws/agent/${agentId}/terminal`, { token, protocols: ["rexec.v2"] });

/** A terminal that can't be opened now, and can be later. */
async function refusesForNow(refusal: Promise<Refused>): Promise<void> {
  const { status, headers, body } = await refusal;
  expect(status).toBe(503);
  expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  expect(["service unavailable", "agent reconnecting"]).toContain((JSON.parse(body) as { error: string }).error);
}

async function opens(server: TestServer, agent: V2Agent): Promise<void> {
  const viewer = await V2Viewer.open(server.wsUrl, agent.agentId, { token });
  const text = randomUUID();
  await viewer.type(text);
  await agent.isTyped(text);
  viewer.wire.socket.terminate();
}
/** Until it opens, it is refused for now, and never for good. */
async function opensWithin(ms: number, server: TestServer, agent: V2Agent): Promise<void> {
  const answers: string[] = [];
  const tries = async () => answers.push(await opens(server, agent).then(() => "opens", String));
  await expect.poll(() => tries().then(() => answers.at(-1)), { timeout: ms }).toBe("opens");
  for (const refusal of answers.slice(0, -1)) expect(refusal).toMatch(/refused: 503/);
}

const WITHOUT_REDIS = { rexec_redis_up: 0, rexec_bus_up: 0 };
const WITH_REDIS = { rexec_redis_up: 1, rexec_bus_up: 1 };

describe.each([
  ["has died", () => cluster.redis.kill(), () => cluster.redis.restart()],
  ["hangs", async () => cluster.redis.pause(), async () => cluster.redis.resume()],
])("while Redis %s", (_, takeAway, giveBack) => {
  it("open terminals go on, agents held here can be opened, others are refused for now; then all are there", async () => {
    const registered = await cluster.addAgent(owner);
    await takeAway();
    await refusesForNow(refusedAt(one, agents[1].agentId));
    await saysOn(cluster.servers, WITHOUT_REDIS);
    await goOn();
    await opens(one, agents[0]);
    await opens(two, agents[1]);
    await refusesForNow(refusedAt(one, agents[1].agentId));
    expect(await Promise.all(cluster.servers.map(readinessOf))).toEqual([200, 200]);

    const dialled = `${one.wsUrl}/ws/agent/${registered.agentId}`;
    await refusesForNow(WireSocket.refused(dialled, { token: registered.token, protocols: ["rexec.v2"] }));
    const late = startTestAgent({ wsUrl: one.wsUrl, ...registered });
    await goOn();

    await giveBack();
    await saysOn(cluster.servers, WITH_REDIS, HEALED_WITHIN_MS);
    await opensWithin(HEALED_WITHIN_MS, one, agents[1]);
    // It was never refused for good: it dials until it is let in.
    const agent = await late;
    const viewer = await V2Viewer.open(two.wsUrl, registered.agentId, { token });
    await goOn();
    viewer.wire.socket.terminate();
    await agent.stop("test over");
  }, 180_000);
});

describe("when Redis has forgotten everything", () => {
  it.each([
    ["by FLUSHALL", () => cluster.redis.flushAll()],
    ["by a restart", () => cluster.redis.restart()],
  ])("%s, every agent is reached from the other instance again within 15 s, and nothing ends", async (_, forget) => {
    const fresh = await Promise.all(cluster.servers.map(async (server) => connectTo(server)));
    await forget();
    const forgottenAtMs = performance.now();
    for (const [n, agent] of fresh.entries()) {
      await opensWithin(HEALED_WITHIN_MS, n === 0 ? two : one, agent);
      expect(performance.now() - forgottenAtMs).toBeLessThan(HEALED_WITHIN_MS);
    }
    await goOn();
    for (const { wire } of fresh) wire.socket.terminate();
  });
  const connectTo = async (server: TestServer) => V2Agent.connect(server, await cluster.addAgent(owner));
});

/** Everybody's view of them. */
async function expectOnline(): Promise<void> {
  for (const { agents: service, adminToken } of cluster.servers) {
    for (const { agentId } of agents) {
      const { agent } = (await call(service, "getAgent", { agentId }, adminToken)) as {
        agent: { status: AgentStatus };
      };
      expect(agent.status).toBe(AgentStatus.AGENT_STATUS_ONLINE);
    }
  }
}

describe.each([
  ["Postgres is", false],
  ["Postgres and Redis are", true],
])("while %s away for longer than an instance may be silent", (_, isRedisAway) => {
  it("open terminals go on, new ones are refused for now; then all are there, and nobody was declared dead", async () => {
    await cluster.databaseNetwork.cut();
    if (isRedisAway) await cluster.redis.kill();
    const cutAtMs = performance.now();
    await saysOn(cluster.servers, { rexec_database_up: 0, ...(isRedisAway ? WITHOUT_REDIS : WITH_REDIS) });
    expect(await Promise.all(cluster.servers.map(readinessOf))).toEqual([503, 503]);
    while (performance.now() - cutAtMs < AWAY_MS) {
      await goOn();
      for (const server of cluster.servers) {
        for (const { agentId } of agents) await refusesForNow(refusedAt(server, agentId));
      }
    }
    await cluster.databaseNetwork.mend();
    if (isRedisAway) await cluster.redis.restart();
    await saysOn(cluster.servers, { rexec_database_up: 1, rexec_other_instances: 1, ...WITH_REDIS });
    expect(await Promise.all(cluster.servers.map(readinessOf))).toEqual([200, 200]);
    await expectOnline();
    await opensWithin(HEALED_WITHIN_MS, one, agents[1]);
    await opensWithin(HEALED_WITHIN_MS, two, agents[0]);
    await goOn();
    await expectOnline();
    expect(await ends()).toEqual([]);
  }, 180_000);
});

/** What of instances and of these agents has ended, as the log has it. */
async function ends(): Promise<string[]> {
  const caller = grpcCaller(one.running.grpcPort);
  const filters = ["type:instance.down", `type:agent.disconnected user:${owner.id}`];
  const pages = await Promise.all(
    filters.map((filter) =>
      ok(
        caller.call(EventServiceService.listEvents, ListEventsRequest.fromPartial({ filter }), {
          token: one.adminToken,
        }),
      ),
    ),
  );
  caller.close();
  return pages.flatMap(({ events }) => events.map(({ type, subject }) => `${type} ${subject}`));
}
