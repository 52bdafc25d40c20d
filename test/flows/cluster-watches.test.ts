// Whoever watches on one instance sees what happens on another: agents, shells, limits and events.

import { randomUUID } from "node:crypto";
import type { MethodDefinition } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  AgentStatus,
  UpdateAgentRequest,
  WatchAgentsRequest,
  type WatchAgentsResponse,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  EventServiceService,
  ListEventsRequest,
  WatchEventsRequest,
  type WatchEventsResponse,
} from "../../src/gen/rexec/event/v1/event_service.ts";
import {
  PlanServiceService,
  WatchLimitsRequest,
  type WatchLimitsResponse,
} from "../../src/gen/rexec/plan/v1/plan_service.ts";
import {
  SessionServiceService,
  WatchSessionsRequest,
  type WatchSessionsResponse,
} from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { saysOn } from "../support/figures.ts";
import { grpcCaller, ok } from "../support/grpc-call.ts";
import { type Watch, watch } from "../support/grpc-watch.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

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
let registered: { agentId: AgentId; token: string };
const cleanUps: (() => void)[] = [];
beforeEach(async () => {
  owner = await cluster.addUser();
  token = (await cluster.addToken(owner, { scopes: ["write"] })).secret;
  registered = await cluster.addAgent(owner);
});
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function watchOn<Request, Response>(
  server: TestServer,
  method: MethodDefinition<Request, Response>,
  request: Request,
  as = token,
): Watch<Response> {
  const open = watch(server.running.grpcPort, method, request, as);
  cleanUps.push(() => open.cancel());
  return open;
}
async function connect(): Promise<V2Agent> {
  const agent = await V2Agent.connect(one, registered);
  cleanUps.push(() => agent.wire.socket.terminate());
  return agent;
}
async function view(server: TestServer, open: Parameters<typeof V2Viewer.open>[2] = { token }): Promise<V2Viewer> {
  const viewer = await V2Viewer.open(server.wsUrl, registered.agentId, open);
  cleanUps.push(() => viewer.wire.socket.terminate());
  return viewer;
}
const isEnd = ({ change }: { change?: { $case: string } | undefined }) => change?.$case === "snapshotEnd";

describe("whoever watches agents on another instance", () => {
  const agentsOn = (server: TestServer) =>
    watchOn(server, AgentServiceService.watchAgents, WatchAgentsRequest.fromPartial({}));
  const isAgent = (fields: { status?: AgentStatus; name?: string }) => (response: WatchAgentsResponse) => {
    if (response.change?.$case !== "upserted") return false;
    const { id, status, name } = response.change.value;
    const { status: wanted = status, name: wantedName = name } = fields;
    return id === registered.agentId && status === wanted && name === wantedName;
  };

  it("sees one come, get another name, go and be deleted", async () => {
    const open = agentsOn(two);
    await open.until(isEnd);
    const agent = await connect();
    await open.until(isAgent({ status: AgentStatus.AGENT_STATUS_ONLINE }));
    const name = `renamed ${randomUUID()}`;
    const update = { agent: { id: registered.agentId, name }, updateMask: ["name"] };
    await call(one.agents, "updateAgent", UpdateAgentRequest.fromPartial(update), token);
    await open.until(isAgent({ name }));
    agent.wire.socket.terminate();
    await open.until(isAgent({ status: AgentStatus.AGENT_STATUS_OFFLINE }));
    await call(one.agents, "deleteAgent", { agentId: registered.agentId }, token);
    const gone = (await open.until(({ change }) => change?.$case === "removed")).at(-1);
    expect(gone?.change?.value).toEqual({ agentId: registered.agentId });
  });

  it("sees one fall silent, and be back", async () => {
    const agent = await connect();
    const open = agentsOn(two);
    await open.until(isEnd);
    // Nobody reads what comes, and no ping is answered.
    agent.wire.socket.pause();
    const isSuspect = isAgent({ status: AgentStatus.AGENT_STATUS_SUSPECT });
    await expect.poll(() => open.until(isSuspect).then(() => "suspect", String), { timeout: 60_000 }).toBe("suspect");
    agent.wire.socket.resume();
    await open.until(isAgent({ status: AgentStatus.AGENT_STATUS_ONLINE }));
  }, 90_000);

  it("begins anew when Redis was away, and sees what happened meanwhile", async () => {
    const open = agentsOn(two);
    await open.until(isEnd);
    await cluster.redis.kill();
    await saysOn(cluster.servers, { rexec_bus_up: 0 });
    const other = await cluster.addAgent(owner);
    await call(one.agents, "deleteAgent", { agentId: registered.agentId }, token);
    await cluster.redis.restart();
    await open.until(({ change }) => change?.$case === "resyncRequired");
    const anew = await open.until(isEnd);
    const ids = anew.flatMap(({ change }) => (change?.$case === "upserted" ? [change.value.id] : []));
    expect(ids).toEqual([other.agentId]);
  });
});

describe("whoever watches shells on another instance", () => {
  it("sees them begin, viewers of either instance come and go, a new size, what moves, and the end", async () => {
    const agent = await connect();
    const filter = `agent:${registered.agentId}`;
    const open = watchOn(two, SessionServiceService.watchSessions, WatchSessionsRequest.fromPartial({ filter }));
    await open.until(isEnd);
    const shell = ({ change }: WatchSessionsResponse) => (change?.$case === "upserted" ? change.value : undefined);
    const viewersOf = (response: WatchSessionsResponse) =>
      shell(response)
        ?.viewers.map(({ instanceId }) => instanceId)
        .toSorted()
        .join();
    const here = await view(one);
    await open.until((response) => viewersOf(response) === "instance-1");
    const there = await view(two);
    await open.until((response) => viewersOf(response) === "instance-1,instance-2");
    const { stream } = await here.opened;
    agent.wire.control({ $case: "resized", value: { stream, attachment: 0, cols: 101, rows: 33 } });
    await open.until((response) => shell(response)?.cols === 101);
    agent.output("something new");
    await open.until((response) => shell(response)?.outputOffset === "something new".length);
    there.wire.socket.close(1000);
    await open.until((response) => viewersOf(response) === "instance-1");
    const ended = { stream, sessionId: "main", endOffset: 13, exitCode: 0, reason: "exited" };
    agent.wire.control({ $case: "sessionEnded", value: ended });
    const gone = (await open.until(({ change }) => change?.$case === "removed")).at(-1);
    expect(gone?.change?.value).toEqual({ agentId: registered.agentId, sessionId: "main" });
  });
});

describe("whoever watches limits on another instance", () => {
  it("sees a slot be taken and given back", async () => {
    await connect();
    const open = watchOn(
      two,
      PlanServiceService.watchLimits,
      WatchLimitsRequest.fromPartial({ filter: `user:${owner.id}` }),
      two.adminToken,
    );
    await open.until(isEnd);
    const used = ({ change }: WatchLimitsResponse) =>
      change?.$case === "upserted" ? change.value.terminalAgentsUsed : undefined;
    const viewer = await view(one);
    await open.until((response) => used(response) === 1);
    viewer.wire.socket.close(1000);
    await open.until((response) => used(response) === 0);
  });
});

describe("the log of events", () => {
  it("has each once, however many instances have heard of it, and is followed on any", async () => {
    const filter = `user:${owner.id}`;
    const [first, second] = cluster.servers.map((server) =>
      watchOn(server, EventServiceService.watchEvents, WatchEventsRequest.fromPartial({ filter })),
    );
    await Promise.all([first!.next(), second!.next()]);
    const agent = await connect();
    for (const server of cluster.servers) {
      (await view(server)).wire.socket.close(1000);
      await agent.wire.controlOf("detach", cluster.servers.indexOf(server) + 1);
    }
    agent.wire.socket.terminate();
    const once = ["agent.connected", "session.opened", "session.joined", "session.left"];
    const expected = [...once, ...once.slice(2), "agent.disconnected"].toSorted();
    // Each instance writes what happened on it: of two, either may be the first to write.
    const isComplete = () => {
      let count = 0;
      return ({ change }: WatchEventsResponse) => isSince(typeOf(change)) && ++count === expected.length;
    };
    const seen = await Promise.all([first!.until(isComplete()), second!.until(isComplete())]);
    const told = seen.map((responses) => responses.map(({ change }) => typeOf(change)).filter(isSince));
    for (const types of told) expect(types.toSorted()).toEqual(expected);
    for (const server of cluster.servers) {
      const caller = grpcCaller(server.running.grpcPort);
      const { events } = await ok(
        caller.call(EventServiceService.listEvents, ListEventsRequest.fromPartial({ filter }), { token }),
      );
      caller.close();
      expect(events.map(({ sequence }) => sequence)).toHaveLength(new Set(events.map(({ sequence }) => sequence)).size);
      const types = events.map(({ type }) => type).filter((type) => told[0]!.includes(type));
      expect(types.toSorted()).toEqual(told[0]!.toSorted());
    }
  });
  /** The log begins where no transaction was under way in all of Postgres: it may tell how owner and agent were made. */
  const isSince = (type: string) => !["", "agent.registered", "token.created"].includes(type);
  const typeOf = (change: WatchEventsResponse["change"]) => (change?.$case === "event" ? change.value.type : "");
});
