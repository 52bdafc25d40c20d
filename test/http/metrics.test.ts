// /metrics of a real server with a real agent and viewer: what it says.
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { ServerConfig } from "../../src/server/config.ts";
import { createMetrics } from "../../src/server/adapters/prometheus/metrics.ts";
import { anUnknownToken } from "../support/identities.ts";
import { openShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { startWireServer } from "../wire/wire-server.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const server = await startTestServer(overrides);
  cleanUps.push(() => server.close());
  return server;
}

async function read(url: string): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return seriesOf(await response.text());
}

function seriesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

describe("the figures", () => {
  it("follow a real agent, a real viewer and what they say to each other", async () => {
    const server = await start();
    const agentAndToken = await server.registerAgent();
    const agent = await startTestAgent({ wsUrl: server.wsUrl, ...agentAndToken });
    cleanUps.push(() => agent.stop("test over"));
    const { agentId } = agentAndToken;
    const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
    cleanUps.push(async () => viewer.terminal.close());
    await viewer.opened();
    const before = await read(server.httpUrl);
    expect(Object.fromEntries(before)).toMatchObject({
      'rexec_agents{protocol="rexec.v1"}': 0,
      'rexec_agents{protocol="rexec.v2"}': 1,
      'rexec_viewers{protocol="rexec.v2"}': 1,
      rexec_sessions: 1,
      'rexec_sockets{peer="agent"}': 1,
      'rexec_sockets{peer="user"}': 1,
      rexec_draining: 0,
      rexec_database_up: 1,
      'rexec_grpc_calls_total{method="rexec.agent.v1.AgentService/RegisterAgent",code="OK"}': 1,
      'rexec_grpc_call_duration_seconds_count{method="rexec.agent.v1.AgentService/RegisterAgent",code="OK"}': 1,
    });
    expect(before.get("rexec_database_ping_seconds")).toBeGreaterThan(0);
    expect(before.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(before.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect([...before.keys()].filter((name) => name.startsWith("rexec_event_loop_delay_seconds"))).toHaveLength(3);
    expect([...before.keys()]).toContainEqual(
      expect.stringMatching(/^rexec_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+",instance_id="test"\}$/),
    );

    viewer.type("head -c 100000 /dev/zero | tr '\\0' x; echo end\n");
    await viewer.shows(/x{60}end/);
    const after = await read(server.httpUrl);
    const grown = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    expect(grown('rexec_socket_received_bytes_total{peer="agent"}')).toBeGreaterThan(100_000);
    expect(grown('rexec_socket_sent_bytes_total{peer="user"}')).toBeGreaterThan(100_000);
    expect(grown('rexec_socket_received_bytes_total{peer="user"}')).toBeGreaterThan(40);

    viewer.terminal.close();
    await expect.poll(async () => (await read(server.httpUrl)).get('rexec_sockets{peer="user"}')).toBe(0);
    const closed = await read(server.httpUrl);
    const sent = 'rexec_socket_sent_bytes_total{peer="user"}';
    expect(closed.get(sent)).toBeGreaterThanOrEqual(after.get(sent) ?? Number.POSITIVE_INFINITY);
  });

  it("tell of a viewer that lacks output", async () => {
    const server = await start();
    const agent = await V2Agent.connect(server);
    const viewer = await V2Viewer.open(server.wsUrl, agent.agentId, { token: server.adminToken });
    expect((await read(server.httpUrl)).get("rexec_viewers_behind")).toBe(0);
    // It acknowledges nothing: its window fills, and what does not fit is not sent.
    for (let i = 0; i < 100; i++) agent.output("x".repeat(32 * 1024));
    await agent.wire.settled();
    expect((await read(server.httpUrl)).get("rexec_viewers_behind")).toBe(1);
    await viewer.wire.close();
  });

  it("count refused handshakes by the reasons of the table, whatever strangers ask for", async () => {
    const server = await start();
    const { agentId } = await server.registerAgent();
    const dial = (path: string, token: string) => WireSocket.refused(`${server.wsUrl}${path}`, { token });
    await dial(`/ws/agent/${agentId}`, anUnknownToken());
    await dial(`/ws/agent/${randomUUID()}`, server.adminToken);
    await dial('/ws/"}evil 1', server.adminToken);
    await call(server.agents, "getAgent", { agentId: "x" }, anUnknownToken()).catch(() => {});
    const figures = await read(server.httpUrl);
    expect([...figures].filter(([name]) => name.startsWith("rexec_handshakes"))).toEqual([
      ['rexec_handshakes_refused_total{reason="TOKEN_INVALID"}', 1],
      ['rexec_handshakes_refused_total{reason="AGENT_NOT_FOUND"}', 2],
    ]);
    expect(
      figures.get('rexec_grpc_calls_total{method="rexec.agent.v1.AgentService/GetAgent",code="UNAUTHENTICATED"}'),
    ).toBe(1);
    expect([...figures.keys()].join("\n")).not.toContain("evil");
  });

  it("say that the database is away", async () => {
    const wire = await startWireServer();
    cleanUps.push(() => wire.close());
    await wire.databaseNetwork.cut();
    const figures = await read(wire.server.httpUrl);
    expect(figures.get("rexec_database_up")).toBe(0);
    expect(figures.get("rexec_database_ping_seconds")).toBeNaN();
  });

  it("time unary calls, and only count streams", async () => {
    const none = { open: 0, receivedBytes: 0, sentBytes: 0, unsentBytes: 0, mostUnsentBytes: 0 };
    const counts = { "rexec.v1": 0, "rexec.v2": 0 };
    const metrics = createMetrics(
      {
        terminals: () => ({
          agents: counts,
          viewers: counts,
          sessions: 0,
          recorders: 0,
          viewersBehind: 0,
          routes: { out: { direct: 1, redis: 2 }, in: { direct: 3, redis: 4 } },
        }),
        sockets: () => ({ agent: none, user: none }),
        refusedHandshakes: () => new Map(),
        eventLoop: () => ({ p50Ms: 0, p99Ms: 0, maxMs: 0 }),
        pendingAuditRecords: () => 3,
        pendingTokenUses: () => 4,
        isDraining: () => true,
        backplane: () => undefined,
        ping: () => new Promise(() => {}),
      },
      { version: "1", instanceId: "i" },
    );
    metrics.calls.ended({ method: "a/Watch", code: "OK", isStream: true, seconds: 3600 });
    metrics.calls.ended({ method: "a/Get", code: "OK", isStream: false, seconds: 0.02 });
    const figures = seriesOf(await metrics.render());
    expect(Object.fromEntries(figures)).toMatchObject({
      'rexec_grpc_calls_total{method="a/Watch",code="OK"}': 1,
      'rexec_grpc_calls_total{method="a/Get",code="OK"}': 1,
      'rexec_grpc_call_duration_seconds_sum{method="a/Get",code="OK"}': 0.02,
      rexec_audit_records_pending: 3,
      rexec_token_uses_pending: 4,
      rexec_draining: 1,
      'rexec_routes{direction="out",path="direct"}': 1,
      'rexec_routes{direction="out",path="redis"}': 2,
      'rexec_routes{direction="in",path="direct"}': 3,
      'rexec_routes{direction="in",path="redis"}': 4,
      // One that never answers holds nobody up.
      rexec_database_up: 0,
    });
    expect(
      [...figures.keys()].some((name) => name.startsWith("rexec_grpc_call_duration") && name.includes("Watch")),
    ).toBe(false);
  });
});
