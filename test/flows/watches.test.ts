// Watches over a real server, real agents and real shells: what happens is seen as it happens, by those who may.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import {
  AgentServiceService,
  AgentStatus,
  UpdateAgentRequest,
  WatchAgentsRequest,
  WatchAgentStatsRequest,
  type WatchAgentsResponse,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  EventServiceService,
  WatchEventsRequest,
  type WatchEventsResponse,
} from "../../src/gen/rexec/event/v1/event_service.ts";
import {
  SessionServiceService,
  WatchSessionsRequest,
  type WatchSessionsResponse,
} from "../../src/gen/rexec/session/v1/session_service.ts";
import { CreateTokenRequest, TokenScope } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type GrpcCaller, failure, grpcCaller, ok } from "../support/grpc-call.ts";
import { type Watch, watch } from "../support/grpc-watch.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

const LIMIT_MS = 2_000;

let server: TestServer;
let caller: GrpcCaller;
let agent: RunningAgent | undefined;
let registered: { agentId: AgentId; token: string };
const watches: Watch<unknown>[] = [];

beforeAll(async () => {
  server = await startTestServer();
  caller = grpcCaller(server.running.grpcPort);
});
beforeEach(async () => {
  registered = await server.registerAgent();
  return async () => {
    for (const open of watches.splice(0)) open.cancel();
    await agent?.stop("the test is over");
    agent = undefined;
  };
});
afterAll(async () => {
  caller.close();
  await server.close();
});

function watchAgents(fields: Partial<WatchAgentsRequest> = {}, token = server.adminToken): Watch<WatchAgentsResponse> {
  const request = WatchAgentsRequest.fromPartial(fields);
  return keep(watch(server.running.grpcPort, AgentServiceService.watchAgents, request, token));
}

function watchSessions(fields: Partial<WatchSessionsRequest> = {}): Watch<WatchSessionsResponse> {
  const request = WatchSessionsRequest.fromPartial(fields);
  return keep(watch(server.running.grpcPort, SessionServiceService.watchSessions, request, server.adminToken));
}

function keep<Response>(open: Watch<Response>): Watch<Response> {
  watches.push(open);
  return open;
}

async function connect(): Promise<void> {
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...registered });
}

const isEnd = ({ change }: { change?: { $case: string } | undefined }) => change?.$case === "snapshotEnd";
const isStatus = (status: AgentStatus) => (response: WatchAgentsResponse) =>
  response.change?.$case === "upserted" &&
  response.change.value.id === registered.agentId &&
  response.change.value.status === status;

/** An API token of the admin, and its id. */
async function newToken(): Promise<{ secret: string; tokenId: string }> {
  const request = CreateTokenRequest.fromPartial({ name: randomUUID(), scopes: [TokenScope.TOKEN_SCOPE_READ] });
  const made = (await call(server.tokens, "createToken", request, server.adminToken)) as {
    secret: string;
    token: { id: string };
  };
  return { secret: made.secret, tokenId: made.token.id };
}

describe("whoever watches agents", () => {
  it("gets them all, then sees one come, go and be deleted", async () => {
    const open = watchAgents();
    const snapshot = await open.until(isEnd);
    expect(snapshot.some(isStatus(AgentStatus.AGENT_STATUS_REGISTERED))).toBe(true);
    expect(snapshot.map(({ sequence }) => sequence)).toEqual(snapshot.map((_, index) => index + 1));
    expect(snapshot.slice(0, -1).every(({ resumeToken }) => resumeToken === "")).toBe(true);
    await connect();
    await open.until(isStatus(AgentStatus.AGENT_STATUS_ONLINE));
    await agent?.stop("a test");
    await open.until(isStatus(AgentStatus.AGENT_STATUS_OFFLINE));
    await call(server.agents, "deleteAgent", { agentId: registered.agentId }, server.adminToken);
    const [last] = (await open.until(({ change }) => change?.$case === "removed")).slice(-1);
    expect(last?.change?.value).toEqual({ agentId: registered.agentId });
  });

  it("goes on from its resume token without a snapshot, and its token is good for that watch alone", async () => {
    const open = watchAgents();
    const { resumeToken } = (await open.until(isEnd)).at(-1) as WatchAgentsResponse;
    open.cancel();
    await connect();
    const again = watchAgents({ resumeToken });
    const seen = await again.until(isStatus(AgentStatus.AGENT_STATUS_ONLINE));
    expect(seen.some(isEnd)).toBe(false);
    again.cancel();
    expect(await watchAgents({ resumeToken, filter: "os:linux" }).failure()).toMatchObject({ code: 3 });
  });

  it("with a filter is told of what comes to match, and that what matches no more is gone", async () => {
    const open = watchAgents({ filter: `status:online name:agent` });
    await open.until(isEnd);
    await connect();
    await open.until(isStatus(AgentStatus.AGENT_STATUS_ONLINE));
    await agent?.stop("a test");
    const seen = await open.until(({ change }) => change?.$case === "removed");
    expect(seen.at(-1)?.change).toEqual({ $case: "removed", value: { agentId: registered.agentId } });
  });

  it("sees their load as they report it", async () => {
    const request = WatchAgentStatsRequest.fromPartial({ agentIds: [registered.agentId] });
    const open = keep(watch(server.running.grpcPort, AgentServiceService.watchAgentStats, request, server.adminToken));
    await connect();
    expect(await open.next()).toMatchObject({ agentId: registered.agentId, sequence: 1, stats: { measuredAt: {} } });
  });
});

describe("whoever watches sessions", () => {
  it("sees a shell begin, a viewer join and leave, and its end by an operator's hand", async () => {
    await connect();
    const open = watchSessions({ filter: `agent:${registered.agentId}` });
    await open.until(isEnd);
    const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId: registered.agentId, token: server.adminToken });
    await viewer.opened();
    const viewersOf = ({ change }: WatchSessionsResponse) =>
      change?.$case === "upserted" ? change.value.viewers.length : undefined;
    await open.until((response) => viewersOf(response) === 1);
    viewer.type("echo still he''re\n");
    await viewer.shows(printed("still here"));
    const name = { agentId: registered.agentId, sessionId: "main" };
    const { session } = await ok(caller.call(SessionServiceService.getSession, name, { token: server.adminToken }));
    const inputBytes = "echo still he''re\n".length;
    expect(session).toMatchObject({ id: "main", inputBytes, viewers: [{ readOnly: false, protocol: "rexec.v2" }] });
    await ok(caller.call(SessionServiceService.terminateSession, name, { token: server.adminToken }));
    const seen = await open.until(({ change }) => change?.$case === "removed");
    expect(seen.at(-1)?.change?.value).toEqual(name);
    expect(
      await failure(caller.call(SessionServiceService.getSession, name, { token: server.adminToken })),
    ).toMatchObject({ code: 5, reason: "SESSION_NOT_FOUND" });
    expect(
      await failure(caller.call(SessionServiceService.terminateSession, name, { token: server.adminToken })),
    ).toMatchObject({ code: 5, reason: "SESSION_NOT_FOUND" });
  });
});

describe("whoever watches events", () => {
  it("reads what connections and shells did, also when it comes back later", async () => {
    const filter = `user:${await adminId()}`;
    const follow = (resumeToken: string) =>
      keep(
        watch(
          server.running.grpcPort,
          EventServiceService.watchEvents,
          WatchEventsRequest.fromPartial({ filter, resumeToken }),
          server.adminToken,
        ),
      );
    const first = follow("");
    const { resumeToken } = await first.next();
    first.cancel();
    await connect();
    const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId: registered.agentId, token: server.adminToken });
    await viewer.opened();
    viewer.terminal.close();
    await agent?.stop("a test");
    const events = (
      await follow(resumeToken).until(
        ({ change }) => typeOf(change) === "agent.disconnected" && subjectOf(change) === `agent:${registered.agentId}`,
      )
    ).filter(({ change }) => subjectOf(change).includes(registered.agentId));
    const types = events.map(({ change }) => typeOf(change));
    for (const type of ["agent.connected", "agent.system_info", "session.opened", "session.joined", "session.left"]) {
      expect(types).toContain(type);
    }
  });

  type Change = WatchEventsResponse["change"];
  const typeOf = (change: Change) => (change?.$case === "event" ? change.value.type : undefined);
  const subjectOf = (change: Change) => (change?.$case === "event" ? change.value.subject : "");
  async function adminId(): Promise<string> {
    const { agentId } = registered;
    const response = await call(server.agents, "getAgent", { agentId }, server.adminToken);
    return (response as { agent: { userId: string } }).agent.userId;
  }
});

describe("who looks at a terminal", () => {
  it("is told of others who come and go, and of the agent's new name, but not of itself", async () => {
    await connect();
    const { agentId } = registered;
    const look = () => openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
    const first = look();
    await first.opened();
    const second = look();
    await second.opened();
    const name = `renamed ${randomUUID()}`;
    const update = UpdateAgentRequest.fromPartial({ agent: { id: agentId, name }, updateMask: ["name"] });
    await call(server.agents, "updateAgent", update, server.adminToken);
    second.terminal.close();
    const told = ({ events }: typeof first) => events.flatMap((event) => (event.type === "event" ? [event.event] : []));
    await expect
      .poll(() => told(first).map(({ type }) => type))
      .toEqual(["session.joined", "agent.updated", "session.left"]);
    expect(told(first)[1]?.detail).toEqual({ name });
    expect(told(second).map(({ type }) => type)).toEqual(["agent.updated"]);
  });
});

describe("an agent that an operator disconnects", () => {
  it("dials in again by itself; one that is not there can't be disconnected", async () => {
    const { agentId } = registered;
    const disconnect = () =>
      caller.call(AgentServiceService.disconnectAgent, { agentId }, { token: server.adminToken });
    expect(await failure(disconnect())).toMatchObject({ code: 9, reason: "AGENT_OFFLINE" });
    await connect();
    const open = watchAgents();
    const connectedAt = ({ change }: WatchAgentsResponse): number =>
      change?.$case === "upserted" && change.value.id === agentId ? (change.value.connectedAt?.getTime() ?? 0) : 0;
    const before = Math.max(...(await open.until(isEnd)).map(connectedAt));
    await ok(disconnect());
    // It may be back before the watch has told that it was gone: things that change often are told once.
    await open.until(
      (response) => connectedAt(response) > before && isStatus(AgentStatus.AGENT_STATUS_ONLINE)(response),
    );
  });
});

describe("a watch", () => {
  it("ends within 2 s of the revocation of its token", async () => {
    const { secret, tokenId } = await newToken();
    const open = watchAgents({}, secret);
    await open.until(isEnd);
    const startMs = performance.now();
    await call(server.tokens, "revokeToken", { tokenId }, server.adminToken);
    expect(await open.failure()).toMatchObject({ code: 16, details: "invalid token" });
    expect(performance.now() - startMs).toBeLessThan(LIMIT_MS);
  });

  it("ends at once when the server drains, with a time to come back", async () => {
    const draining = await startTestServer();
    const open = watch(
      draining.running.grpcPort,
      AgentServiceService.watchAgents,
      WatchAgentsRequest.fromPartial({}),
      draining.adminToken,
    );
    await open.until(isEnd);
    const closing = draining.close();
    expect(await open.failure()).toMatchObject({ code: 14, details: "server draining" });
    await closing;
  });
});
