// Two instances whose clocks are an hour apart, and are set while they run. Nothing that goes on between them rests on the
// time of day; what ends at a time of day (a ticket, an expiry) does so by the clock of whoever looks.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { AgentServiceClient, AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type OpenTerminalResponse, SessionServiceClient } from "../../src/gen/rexec/session/v1/session_service.ts";
import { type ExchangeTokenResponse, TokenServiceClient } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { createPeople, type MadeToken } from "../support/people.ts";
import { createProcessClock, type ProcessClock } from "../support/process-clock.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { call } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const HOUR_MS = 3_600_000;
const REVOKED_WITHIN_MS = 2_000;
/** A location lives so long from each time that it is said. */
const LOCATION_TTL_MS = 45_000;
const REFRESH_MS = 10_000;

let directory: string;
let redis: TestRedis;
let people: ReturnType<typeof createPeople>;
/** The first one's clock is right, the second one's an hour ahead. */
let right: ServerProcess;
let ahead: ServerProcess;
let clock: ProcessClock;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-clocks-"));
  redis = await startRedis();
  const url = await freshDatabase();
  people = createPeople(url);
  clock = createProcessClock(join(directory, "clock"), HOUR_MS);
  const start = (instanceId: string, nodeOptions: readonly string[] = []) =>
    startServerProcess(
      directory,
      {
        REXEC_DATABASE_URL: url,
        REXEC_REDIS_URL: redis.url,
        REXEC_PEER_PORT: "0",
        REXEC_INSTANCE_ID: instanceId,
      },
      nodeOptions,
    );
  right = await start("right");
  ahead = await start("ahead", clock.nodeOptions);
});
afterAll(async () => {
  await Promise.all([right, ahead].map((server) => server.process.kill("SIGKILL")));
  await people.close();
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

let token: MadeToken;
/** On each instance one, and a viewer of it on the other. */
let ends: { agent: V2Agent; viewer: V2Viewer; at: ServerProcess }[];
beforeEach(async () => {
  const owner = await people.addUser();
  token = await people.addToken(owner, { scopes: ["write"] });
  ends = [];
  for (const [at, other] of [
    [right, ahead],
    [ahead, right],
  ] as const) {
    const agent = await V2Agent.connect(at, await people.addAgent(owner));
    ends.push({ agent, at, viewer: await V2Viewer.open(other.wsUrl, agent.agentId, { token: token.secret }) });
  }
});
afterEach(() => {
  for (const { agent, viewer } of ends) {
    agent.wire.socket.terminate();
    viewer.wire.socket.terminate();
  }
});

async function asking<C extends { close(): void }, T>(
  [Client, server]: [new (address: string, channel: ReturnType<typeof credentials.createInsecure>) => C, ServerProcess],
  method: string,
  request: object,
  caller = right.adminToken,
): Promise<T> {
  const client = new Client(server.grpcAddress, credentials.createInsecure());
  try {
    return (await call(client, method, request, caller)) as T;
  } finally {
    client.close();
  }
}

async function goOn(): Promise<void> {
  for (const { agent, viewer } of ends) {
    const [typed, printed] = [randomUUID(), randomUUID()];
    await viewer.type(typed);
    await agent.isTyped(typed);
    agent.output(printed);
    await viewer.sees(printed);
  }
}

async function expectOnline(): Promise<void> {
  for (const server of [right, ahead]) {
    for (const { agent } of ends) {
      const { agentId } = agent;
      const answer = await asking<AgentServiceClient, { agent: { status: AgentStatus } }>(
        [AgentServiceClient, server],
        "getAgent",
        { agentId },
      );
      expect(answer.agent.status).toBe(AgentStatus.AGENT_STATUS_ONLINE);
    }
  }
}

const locationTtlMs = (agentId: AgentId): Promise<number> => redis.ask<number>("PTTL", `rexec:location:${agentId}`);

/** Now, by the second instance's clock. */
async function timeThere(): Promise<number> {
  const { expiresAt } = await asking<TokenServiceClient, ExchangeTokenResponse>(
    [TokenServiceClient, ahead],
    "exchangeToken",
    {},
    token.secret,
  );
  return (expiresAt?.getTime() ?? 0) - 15 * 60_000;
}

it("terminals lead from one to the other, and a token revoked on either closes what it opened on both", async () => {
  await goOn();
  await expectOnline();
  const revokedAtMs = performance.now();
  await asking([TokenServiceClient, ahead], "revokeToken", { tokenId: token.id });
  for (const { viewer } of ends) {
    const { code, atMs } = await viewer.wire.closed;
    expect(code).toBe(4401);
    expect(atMs - revokedAtMs).toBeLessThan(REVOKED_WITHIN_MS);
  }
});

it("a clock that is set while everything runs ends nothing, and locations are said as before", async () => {
  const [, held] = ends;
  for (const byMs of [-2 * HOUR_MS, 2 * HOUR_MS]) {
    const before = await timeThere();
    clock.setBy(byMs);
    await expect.poll(async () => Math.abs((await timeThere()) - before - byMs) < HOUR_MS / 2).toBe(true);
    // Two looks at who is silent.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await goOn();
    await expectOnline();
    const agentId = held?.agent.agentId as AgentId;
    await expect.poll(() => locationTtlMs(agentId), { timeout: REFRESH_MS }).toBeLessThan(LOCATION_TTL_MS - 3_000);
    await expect
      .poll(() => locationTtlMs(agentId), { timeout: REFRESH_MS + 2_000 })
      .toBeGreaterThan(LOCATION_TTL_MS - 1_000);
  }
});

it("a ticket of one that is behind has ended where it is later, and a token that does not end opens everywhere", async () => {
  const [first] = ends;
  const agentId = first?.agent.agentId as AgentId;
  const { ticket } = await asking<SessionServiceClient, OpenTerminalResponse>(
    [SessionServiceClient, right],
    "openTerminal",
    { agentId, newSession: false, sessionId: "", readOnly: false },
    token.secret,
  );
  const url = `${ahead.wsUrl}/ws/agent/${agentId}/terminal`;
  const refused = await WireSocket.refused(url, { token: ticket, protocols: ["rexec.v2"] });
  expect(refused.status).toBe(401);
  const viewer = await V2Viewer.open(ahead.wsUrl, agentId, { token: token.secret });
  viewer.wire.socket.terminate();
});
