// An agent with two servers, of which one is dead, dies, drains or is stopped.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentState, RunningAgent } from "../../src/agent/agent.ts";
import { type OpenTerminalResponse, SessionServiceClient } from "../../src/gen/rexec/session/v1/session_service.ts";
import { type ServerPair, startServerPair } from "../support/server-pair.ts";
import { startStreamAgent, type StreamAgent } from "../support/stream-agent.ts";
import { checkBothWays, openStreamViewer } from "../support/stream-checker.ts";
import { call, registerOver } from "../support/test-server.ts";

let directory: string;
let pair: ServerPair;
let identity: Awaited<ReturnType<typeof registerOver>>;
let cleanUps: (() => Promise<unknown>)[];

beforeEach(async () => {
  cleanUps = [];
  directory = await mkdtemp(join(tmpdir(), "rexec-failover-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  pair = await startServerPair(directory);
  cleanUps.push(() => pair.close());
  identity = await registerOver(pair.b.grpcAddress, pair.b.adminToken, "two-servers");
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Resolves when it is connected. */
async function startAgent(): Promise<StreamAgent> {
  const started = await startStreamAgent({
    wsUrl: pair.a.wsUrl,
    otherUrls: [pair.b.wsUrl],
    ...identity,
    directory,
    bytesPerSecond: 200_000,
  });
  cleanUps.push(() => started.agent.stop("test over"));
  return started;
}

const serverOf = (state: AgentState): string | undefined => (state.kind === "connected" ? state.server : undefined);

/** Resolves with how long it took. */
async function comesTo(agent: RunningAgent, server: string): Promise<number> {
  const sinceMs = performance.now();
  await new Promise<void>((resolve) => {
    const stop = agent.onState((state) => {
      if (serverOf(state) !== server) return;
      stop();
      resolve();
    });
  });
  return performance.now() - sinceMs;
}

test("whose first server is dead is with the second within 2 s", async () => {
  await pair.a.process.kill("SIGKILL");
  const sinceMs = performance.now();
  const { agent } = await startAgent();
  expect(serverOf(agent.state)).toBe(pair.b.wsUrl);
  expect(performance.now() - sinceMs).toBeLessThan(2_000);
});

test("whose first server takes connections and never answers is with the second within 5 s", async () => {
  pair.stopA();
  const sinceMs = performance.now();
  const { agent } = await startAgent();
  expect(serverOf(agent.state)).toBe(pair.b.wsUrl);
  expect(performance.now() - sinceMs).toBeLessThan(5_000);
});

test("whose server drains is with the other within 1 s, and so it is when it starts", async () => {
  const { agent } = await startAgent();
  expect(serverOf(agent.state)).toBe(pair.a.wsUrl);
  const moved = comesTo(agent, pair.b.wsUrl);
  await pair.drainA();
  expect(await moved).toBeLessThan(1_000);
  await agent.stop("and once more");

  const sinceMs = performance.now();
  const again = await startAgent();
  expect(serverOf(again.agent.state)).toBe(pair.b.wsUrl);
  expect(performance.now() - sinceMs).toBeLessThan(2_000);
});

test("whose server is killed is with the other within 1 s; its shell runs on, and costs its viewer no byte", async () => {
  const { agent, inputFile } = await startAgent();
  const urls = { wsUrl: pair.a.wsUrl, otherUrls: [pair.b.wsUrl] };
  const viewer = openStreamViewer({ ...urls, agentId: identity.agentId, token: pair.a.adminToken });
  cleanUps.push(async () => viewer.terminal.close());
  let moved: Promise<number> | undefined;
  await checkBothWays(
    { viewer, inputFile },
    {
      rounds: 1,
      bytesBetween: () => 300_000,
      async disturb() {
        moved = comesTo(agent, pair.b.wsUrl);
        await pair.a.process.kill("SIGKILL");
      },
    },
  );
  expect(await moved).toBeLessThan(1_000);
});

test("serves on its new server who has a ticket of the one that was killed", async () => {
  const { agent } = await startAgent();
  const sessions = new SessionServiceClient(pair.a.grpcAddress, credentials.createInsecure());
  cleanUps.push(async () => sessions.close());
  const request = { agentId: identity.agentId, newSession: false, sessionId: "", readOnly: false };
  const { ticket } = (await call(sessions, "openTerminal", request, pair.a.adminToken)) as OpenTerminalResponse;
  const moved = comesTo(agent, pair.b.wsUrl);
  await pair.a.process.kill("SIGKILL");
  await moved;
  const urls = { wsUrl: pair.a.wsUrl, otherUrls: [pair.b.wsUrl] };
  const viewer = openStreamViewer({ ...urls, agentId: identity.agentId, token: ticket });
  cleanUps.push(async () => viewer.terminal.close());
  await viewer.receive(1);
});
