// InstanceService: what a server says of itself, and how it is sent home, over real connections and sockets.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  WatchAgentsRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  type Instance,
  InstanceServiceService,
  InstanceState,
  ListInstancesRequest,
  WatchInstancesRequest,
} from "../../src/gen/rexec/instance/v1/instance_service.ts";
import type { InstanceId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import type { InstanceView } from "../../src/server/domain/instances/instances.ts";
import type { StreamHandler } from "../../src/server/transports/grpc/call-context.ts";
import { implementService } from "../../src/server/transports/grpc/service-implementation.ts";
import { StreamSlots } from "../../src/server/transports/grpc/stream-slots.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { failure, grpcCaller, ok } from "../support/grpc-call.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { registerOver, startTestServer, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

const { listInstances, drainInstance } = InstanceServiceService;
const LIST = ListInstancesRequest.fromPartial({});

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe("ListInstances", () => {
  let plane: ControlPlane;
  let token: string;
  const anInstance = (id: string, state: InstanceView["state"], startedAtMs: number): InstanceView => ({
    id: id as InstanceId,
    version: "1.2.3",
    state,
    startedAt: new Date(startedAtMs),
    heartbeatAt: new Date(startedAtMs + 1),
    agents: 3,
    sessions: 4,
    busLagMs: 0.5,
    eventLoopP99Ms: 1.5,
  });
  beforeAll(async () => {
    const stores = await openPglite();
    await stores.migrate();
    const several = [anInstance("c", "up", 1000), anInstance("a", "draining", 3000), anInstance("b", "silent", 2000)];
    plane = await startControlPlane(stores, () => ({
      instances: { list: async () => several, drain: async () => true },
    }));
    ({ token } = await plane.addCaller({ admin: true }));
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });
  const list = (fields: Partial<ListInstancesRequest>) =>
    plane.call(listInstances, ListInstancesRequest.fromPartial(fields), { token });
  const walk = async (fields: Partial<ListInstancesRequest>) => {
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await ok(list({ ...fields, pageSize: 1, pageToken }));
      seen.push(...page.instances.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return seen;
  };

  it("shows each as it is", async () => {
    expect(await ok(list({ filter: "state:silent" }))).toEqual({
      instances: [
        {
          id: "b",
          version: "1.2.3",
          state: InstanceState.INSTANCE_STATE_SILENT,
          startedAt: new Date(2000),
          heartbeatAt: new Date(2001),
          agents: 3,
          sessions: 4,
          busLagMs: 0.5,
          eventLoopP99Ms: 1.5,
        },
      ],
      nextPageToken: "",
      totalSize: 1,
    });
  });

  it("filters, orders and pages", async () => {
    expect(await walk({})).toEqual(["a", "b", "c"]);
    expect(await walk({ orderBy: "started_at desc" })).toEqual(["a", "b", "c"]);
    expect(await walk({ orderBy: "started_at" })).toEqual(["c", "b", "a"]);
    expect(await walk({ filter: "state:draining" })).toEqual(["a"]);
    expect((await ok(list({ pageSize: 1 }))).totalSize).toBe(3);
  });

  it.each([
    [{ filter: "state:gone" }, "filter"],
    [{ filter: "name:a" }, "filter"],
    [{ filter: "state:up state:up" }, "filter"],
    [{ orderBy: "agents" }, "order_by"],
    [{ pageToken: "x" }, "page_token"],
  ])("refuses %j", async (fields, field) => {
    expect((await failure(list(fields))).violations).toMatchObject([{ field }]);
  });
});

describe("one server", () => {
  async function start(): Promise<{ server: TestServer; caller: ReturnType<typeof grpcCaller> }> {
    const server = await startTestServer();
    cleanUps.push(() => server.close());
    const caller = grpcCaller(server.running.grpcPort);
    cleanUps.push(async () => caller.close());
    return { server, caller };
  }
  const own = async ({ server, caller }: Awaited<ReturnType<typeof start>>): Promise<Instance | undefined> =>
    (await ok(caller.call(listInstances, LIST, { token: server.adminToken }))).instances[0];

  it("says truly how many agents and shells it has, since when, and that its heart beats", async () => {
    const before = Date.now();
    const { server, caller } = await start();
    const idle = await own({ server, caller });
    expect(idle).toMatchObject({
      id: "test",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      state: InstanceState.INSTANCE_STATE_UP,
      agents: 0,
      sessions: 0,
      busLagMs: 0,
    });
    expect(idle?.startedAt?.getTime()).toBeGreaterThanOrEqual(before);
    const agent = await V2Agent.connect(server);
    await V2Viewer.open(server.wsUrl, agent.agentId, { token: server.adminToken });
    expect(await own({ server, caller })).toMatchObject({ agents: 1, sessions: 1 });
    agent.wire.socket.close();
    await expect.poll(async () => (await own({ server, caller }))?.agents).toBe(0);
    await expect
      .poll(async () => (await own({ server, caller }))?.heartbeatAt?.getTime(), { timeout: 5_000 })
      .toBeGreaterThan(idle?.heartbeatAt?.getTime() ?? Number.POSITIVE_INFINITY);
  });

  it("sees its event loop being held up", async () => {
    const { server, caller } = await start();
    expect((await own({ server, caller }))?.eventLoopP99Ms).toBeLessThan(200);
    const until = performance.now() + 300;
    while (performance.now() < until);
    await expect.poll(async () => (await own({ server, caller }))?.eventLoopP99Ms).toBeGreaterThan(200);
  });

  it("knows no instance but itself", async () => {
    const { server, caller } = await start();
    for (const instanceId of ["", "other", "test\u0000"]) {
      expect(await failure(caller.call(drainInstance, { instanceId }, { token: server.adminToken }))).toMatchObject({
        code: 5,
        message: "instance not found",
        reason: "INSTANCE_NOT_FOUND",
      });
    }
    expect(await own({ server, caller })).toMatchObject({ state: InstanceState.INSTANCE_STATE_UP });
  });

  it("sends its sockets elsewhere when drained, and takes no new ones and no calls", async () => {
    const { server, caller } = await start();
    const agent = await V2Agent.connect(server);
    const viewer = await V2Viewer.open(server.wsUrl, agent.agentId, { token: server.adminToken });
    const token = server.adminToken;
    await ok(caller.call(drainInstance, { instanceId: "test" }, { token }));

    expect((await agent.wire.closed).code).toBe(1012);
    expect((await viewer.wire.closed).code).toBe(1012);
    const { status } = await fetch(`${server.httpUrl}/readyz`);
    expect(status).toBe(503);
    await expect(V2Viewer.dial(server.wsUrl, agent.agentId, { token })).rejects.toThrow("503");
    const refused = caller.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token });
    expect(await failure(refused)).toMatchObject({ code: 14, reason: "DRAINING", retryDelayS: 1 });

    // Operators see it go; who asks again is not wrong.
    expect(await own({ server, caller })).toMatchObject({ state: InstanceState.INSTANCE_STATE_DRAINING, agents: 0 });
    await ok(caller.call(drainInstance, { instanceId: "test" }, { token }));
  });
});

it("who drained an instance is in the audit log, and the event is published once", async () => {
  const stores = await openPglite();
  cleanUps.push(() => stores.close());
  await stores.migrate();
  const audited: AuditRecord[] = [];
  const plane = await startControlPlane(stores, ({ audit }) => ({
    audit: {
      ...audit,
      async append(record) {
        audited.push(record);
        await audit.append(record);
      },
    },
  }));
  cleanUps.push(() => plane.stop());
  const { user, token } = await plane.addCaller({ admin: true });
  await ok(plane.call(drainInstance, { instanceId: "one" }, { token }));
  await ok(plane.call(drainInstance, { instanceId: "one" }, { token }));
  const record = { type: "instance.drained", subject: "instance:one", actor: `user:${user.id}` };
  expect(audited).toMatchObject([record, record]);
  expect(plane.events.filter(({ type }) => type === "instance.draining")).toEqual([
    { type: "instance.draining", instanceId: "one" },
  ]);
});

it("a stream is asked to go elsewhere when the instance drains, but one of the operators' is not", async () => {
  const stores = await openPglite();
  cleanUps.push(() => stores.close());
  await stores.migrate();
  const plane = await startControlPlane(stores);
  cleanUps.push(() => plane.stop());
  const { token } = await plane.addCaller({ admin: true });
  // No service of ours streams here: the door itself is asked.
  const [draining, closing] = [new AbortController(), new AbortController()];
  const server = new Server();
  const began = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  for (const [index, service, method] of [
    [0, AgentServiceService, "watchAgents"],
    [1, InstanceServiceService, "watchInstances"],
  ] as const) {
    const handler: StreamHandler<unknown, unknown> = ({ signal }) => {
      began[index]?.resolve();
      return untilAborted(signal);
    };
    const stopping = new AbortController().signal;
    const deps = {
      ...plane.deps,
      draining: draining.signal,
      closing: closing.signal,
      stopping,
      streams: new StreamSlots(),
    };
    const { definition, implementation } = implementService(deps, service, { [method]: handler });
    server.addService(definition, implementation);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  cleanUps.push(async () => server.forceShutdown());
  const caller = grpcCaller(port);
  cleanUps.push(async () => caller.close());
  const agents = failure(caller.call(AgentServiceService.watchAgents, WatchAgentsRequest.fromPartial({}), { token }));
  const request = WatchInstancesRequest.fromPartial({});
  const instances = failure(caller.call(InstanceServiceService.watchInstances, request, { token }));
  await Promise.all(began.map(({ promise }) => promise));

  draining.abort();
  expect(await agents).toMatchObject({ code: 14, reason: "DRAINING" });
  expect(await Promise.race([instances, Promise.resolve("goes on")])).toBe("goes on");
  closing.abort();
  expect(await instances).toMatchObject({ code: 14, reason: "DRAINING" });
});

it("a server told to stop sends terminals elsewhere, lets the calls under way end, and exits with 0", async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-drain-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const databaseUrl = await freshDatabase();
  const server = await startServerProcess(directory, { REXEC_DATABASE_URL: databaseUrl, REXEC_DATA_DIR: "" });
  cleanUps.push(() => server.process.kill());
  const { agentId, token } = await registerOver(server.grpcAddress, server.adminToken, "drained");
  const agent = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  const viewer = await V2Viewer.open(server.wsUrl, agentId, { token: server.adminToken });

  // A call that is under way for as long as we like.
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  cleanUps.push(() => database.end());
  await database.query("BEGIN; LOCK TABLE agents IN ACCESS EXCLUSIVE MODE");
  const underWay = registerOver(server.grpcAddress, server.adminToken, "late");
  const waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await expect.poll(async () => (await database.query(waits)).rowCount, { timeout: 10_000 }).toBe(1);

  server.process.child.kill("SIGTERM");
  expect((await viewer.wire.closed).code).toBe(1012);
  await expect(V2Viewer.dial(server.wsUrl, agentId, { token: server.adminToken })).rejects.toThrow();
  await expect(registerOver(server.grpcAddress, server.adminToken, "too late")).rejects.toMatchObject({ code: 14 });
  await database.query("COMMIT");
  expect((await underWay).agentId).toMatch(/^[0-9a-f-]{36}$/);
  expect(await server.process.ended).toEqual({ code: 0, signal: null });
  const { rows } = await database.query<{ name: string }>("SELECT name FROM agents ORDER BY name");
  expect(rows.map(({ name }) => name)).toEqual(["drained", "late"]);
}, 60_000);
