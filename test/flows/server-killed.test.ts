// Promise 1 on one instance, the hard way: the server process is killed with SIGKILL and started again.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, it, vi } from "vitest";
import { startServerProcess } from "../support/server-process.ts";
import { startStreamAgent } from "../support/stream-agent.ts";
import { checkBothWays, openStreamViewer } from "../support/stream-checker.ts";
import { registerOver } from "../support/test-server.ts";

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
  const { agentId, token } = await registerOver(server.grpcAddress, server.adminToken, "streams");

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
