// Promise 1 on one instance, the hard way: the server process is killed with SIGKILL and started again.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, it, vi } from "vitest";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startStreamAgent } from "../support/stream-agent.ts";
import { checkBothWays, openStreamViewer } from "../support/stream-checker.ts";
import { call } from "../support/test-server.ts";

const KILLS = 4;

const random = Math.random;
// Backoff grows with every failed attempt while the server starts: with a small jitter nobody waits long.
beforeEach(() => void vi.spyOn(Math, "random").mockImplementation(() => random() * 0.02));

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it("a server that is killed and started again costs no byte, either way", async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-killed-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const server = await startServerProcess(directory);
  cleanUps.push(() => server.stop());
  const client = new AgentServiceClient(server.grpcAddress, credentials.createInsecure());
  cleanUps.push(async () => client.close());
  const registration = { name: "a", description: "", os: "", arch: "", shell: "", tags: [], requestId: "" };
  const registered = await call(client, "registerAgent", registration, server.adminToken);
  const {
    agent: { id: agentId },
    token,
  } = registered as { agent: { id: AgentId }; token: string };

  const { agent, inputFile } = await startStreamAgent({
    wsUrl: server.wsUrl,
    agentId,
    token,
    directory,
    bytesPerSecond: 500_000,
  });
  cleanUps.push(() => agent.stop("test over"));
  const viewer = openStreamViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
  cleanUps.push(async () => viewer.terminal.close());

  await checkBothWays(
    { viewer, inputFile },
    {
      rounds: KILLS,
      bytesBetween: () => 1 + Math.floor(random() * 500_000),
      disturb: () => server.restart("SIGKILL"),
    },
  );
}, 180_000);
