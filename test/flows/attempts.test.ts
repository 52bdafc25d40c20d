// Too many attempts, at each of the doors: gRPC, JSON over HTTP and WebSockets; and who is not kept out by them.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { MfaServiceService } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import { createJoseCodec } from "../../src/server/adapters/jwt/jose-codec.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import { failure, grpcCaller, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { NO_LIMITS, startTestServer, TEST_JWT_SECRET, type TestServer } from "../support/test-server.ts";

let server: TestServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(rates: Partial<ServerConfig["rates"]>, overrides: Partial<ServerConfig> = {}) {
  server = await startTestServer({ rates: { ...NO_LIMITS, ...rates }, ...overrides });
  return server;
}

const list = (token: string, headers: Record<string, string> = {}) =>
  fetch(`${server?.httpUrl}/api/agents`, { headers: { authorization: `Bearer ${token}`, ...headers } });

async function handshake(path: string, token: string): Promise<{ status: number; retryAfter: number }> {
  const socket = new WebSocket(`${server?.wsUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
  socket.on("error", () => {});
  const answered = Promise.race([
    once(socket, "open").then(() => ({ status: 101, retryAfter: 0 })),
    once(socket, "unexpected-response").then((said) => {
      const response = said[1] as IncomingMessage;
      response.resume();
      return { status: response.statusCode ?? 0, retryAfter: Number(response.headers["retry-after"] ?? 0) };
    }),
  ]);
  const answer = await answered;
  socket.terminate();
  return answer;
}

describe("invalid credentials of one address", () => {
  it("are too many at every door after some at one, with the true time to wait", async () => {
    const { grpcAddress } = await serve({ authFailuresPerAddress: 3 });
    for (let n = 0; n < 3; n++) expect((await list(anUnknownToken())).status).toBe(401);
    const overHttp = await list(anUnknownToken());
    expect(overHttp.status).toBe(429);
    expect(await overHttp.json()).toEqual({ error: "too many attempts", reason: "TOO_MANY_ATTEMPTS" });
    // One in 20 s, and a share of that has gone by.
    const waitS = Number(overHttp.headers.get("retry-after"));
    expect(waitS).toBeGreaterThan(0);
    expect(waitS).toBeLessThanOrEqual(20);

    const { call, close } = grpcCaller(Number(grpcAddress.split(":")[1]));
    const refused = await failure(
      call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token: anUnknownToken() }),
    );
    close();
    expect(refused).toMatchObject({ code: 8, message: "too many attempts", reason: "TOO_MANY_ATTEMPTS" });
    expect(refused.retryDelayS).toBeGreaterThan(0);
    expect(refused.retryDelayS).toBeLessThanOrEqual(20);

    const { status, retryAfter } = await handshake("/ws/agent/00000000-0000-4000-8000-000000000000", anUnknownToken());
    expect(status).toBe(429);
    expect(retryAfter).toBeGreaterThan(0);
  });

  it("keep out nobody behind the same address who is at work", async () => {
    const { adminToken } = await serve({ authFailuresPerAddress: 2 });
    expect((await list(adminToken)).status).toBe(200);
    for (let n = 0; n < 5; n++) await list(anUnknownToken());
    expect((await list(anUnknownToken())).status).toBe(429);
    expect((await list(adminToken)).status).toBe(200);
  });

  it("keep out nobody for long whom this process has not seen since it started", async () => {
    const { adminToken } = await serve({ authFailuresPerAddress: 1 });
    for (let n = 0; n < 3; n++) await list(anUnknownToken());
    expect((await list(anUnknownToken())).status).toBe(429);
    expect((await list(adminToken)).status).toBe(200);
  });

  it("keep out no JWT that is valid, though this process has never seen it", async () => {
    const { adminToken, registerAgent } = await serve({ authFailuresPerAddress: 1 });
    await registerAgent();
    const [agent] = (await (await list(adminToken)).json()) as { user_id: string }[];
    for (let n = 0; n < 3; n++) await list(anUnknownToken());
    const codec = createJoseCodec({ clock: systemClock, secret: TEST_JWT_SECRET });
    const iat = Math.floor(Date.now() / 1000);
    const jwt = await codec.sign({ user_id: agent?.user_id ?? "", iat, exp: iat + 60 });
    expect((await list(jwt)).status).toBe(200);
    expect((await list(`${jwt.slice(0, -2)}AA`)).status).toBe(429);
  });

  it("are not counted where there was no credential, or a valid one", async () => {
    const { adminToken } = await serve({ authFailuresPerAddress: 2 });
    for (let n = 0; n < 5; n++) {
      expect((await fetch(`${server?.httpUrl}/api/agents`)).status).toBe(401);
      expect((await list(adminToken)).status).toBe(200);
    }
    expect((await list(anUnknownToken())).status).toBe(401);
  });

  it("are told apart by what a trusted proxy says, and by nobody else", async () => {
    await serve({ authFailuresPerAddress: 1 }, { trustedProxies: ["127.0.0.0/8"] });
    const from = async (address: string) => (await list(anUnknownToken(), { "x-forwarded-for": address })).status;
    expect([await from("192.0.2.1"), await from("192.0.2.1"), await from("192.0.2.2")]).toEqual([401, 429, 401]);
    // What a client writes itself stands further left.
    expect(await from("192.0.2.77, 192.0.2.1")).toBe(429);
    await server?.close();
    await serve({ authFailuresPerAddress: 1 });
    expect([await from("192.0.2.1"), await from("192.0.2.2")]).toEqual([401, 429]);
  });
});

describe("registrations", () => {
  const register = (name: string, token: string) =>
    fetch(`${server?.httpUrl}/api/agents`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });

  it("of one account are limited over both APIs together", async () => {
    const { adminToken, grpcAddress } = await serve({ registrationsPerAccount: 2 });
    const { call, close } = grpcCaller(Number(grpcAddress.split(":")[1]));
    const overGrpc = (name: string) =>
      call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name }), { token: adminToken });
    expect((await register("one", adminToken)).status).toBe(201);
    await ok(overGrpc("two"));
    expect((await register("three", adminToken)).status).toBe(429);
    expect(await failure(overGrpc("three"))).toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
    close();
    expect((await list(adminToken)).status).toBe(200);
  });

  it("of one address are limited, whoever makes them", async () => {
    const { adminToken } = await serve({ registrationsPerAddress: 1 });
    expect((await register("one", adminToken)).status).toBe(201);
    expect((await register("two", adminToken)).status).toBe(429);
  });
});

describe("opening terminals", () => {
  it("is limited for tickets apart from terminals, and by address", async () => {
    const { adminToken, grpcAddress, registerAgent } = await serve({ opensPerAddress: 1 });
    const { agentId } = await registerAgent();
    const { call, close } = grpcCaller(Number(grpcAddress.split(":")[1]));
    const ticket = () =>
      call(SessionServiceService.openTerminal, OpenTerminalRequest.fromPartial({ agentId }), { token: adminToken });
    expect(await failure(ticket())).toMatchObject({ reason: "AGENT_OFFLINE" });
    expect(await failure(ticket())).toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
    close();
    expect((await handshake(`/ws/agent/${agentId}/terminal`, adminToken)).status).toBe(404);
    expect((await handshake(`/ws/agent/${agentId}/terminal`, adminToken)).status).toBe(429);
  });

  it("is limited by account, and an agent's own socket is not", async () => {
    const { adminToken, wsUrl, registerAgent } = await serve({ opensPerAccount: 2 });
    const { agentId, token } = await registerAgent();
    const agent = await startTestAgent({ wsUrl, agentId, token });
    const path = `/ws/agent/${agentId}/terminal`;
    expect((await handshake(path, adminToken)).status).toBe(101);
    expect((await handshake(path, adminToken)).status).toBe(101);
    const refused = await handshake(path, adminToken);
    expect(refused.status).toBe(429);
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(refused.retryAfter).toBeLessThanOrEqual(30);
    await agent.stop("the test is over");
    // Connecting costs nothing, however often.
    for (let n = 0; n < 4; n++) {
      const again = await startTestAgent({ wsUrl, agentId, token });
      await again.stop("once more");
    }
  });
});

describe("codes of a second factor", () => {
  it.each(["codesPerAccount", "codesPerAddress"])("are limited (%s), whatever they are for", async (limit) => {
    const { grpcAddress, adminToken } = await serve({ [limit]: 3 });
    const caller = grpcCaller(Number(grpcAddress.split(":")[1]));
    const { confirmEnrollment, disable } = MfaServiceService;
    for (const method of [confirmEnrollment, disable, confirmEnrollment]) {
      expect(await failure(caller.call(method, { code: "000000" }, { token: adminToken }))).not.toMatchObject({
        reason: "TOO_MANY_ATTEMPTS",
      });
    }
    const refused = await failure(caller.call(disable, { code: "000000" }, { token: adminToken }));
    expect(refused).toMatchObject({ code: 8, reason: "TOO_MANY_ATTEMPTS" });
    expect(refused.retryDelayS).toBeGreaterThan(0);
    caller.close();
  });
});
