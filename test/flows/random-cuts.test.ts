// Promise 1 on one instance: byte-exact both ways through cuts of either connection.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startStreamAgent } from "../support/stream-agent.ts";
import { checkBothWays, openStreamViewer, type StreamViewer } from "../support/stream-checker.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestServer } from "../support/test-server.ts";

const CUTS = 20;
const BYTES_PER_SECOND = 1_000_000;
/** What must have come between two cuts, at random: sometimes a cut comes in the middle of a resume. */
const MAX_BYTES_BETWEEN_CUTS = 400_000;

const random = Math.random;
// Backoff grows with every cut: with a small jitter the cuts come fast.
beforeEach(() => void vi.spyOn(Math, "random").mockImplementation(() => random() * 0.02));

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Rig {
  viewer: StreamViewer;
  agentNetwork: TcpProxy;
  viewerNetwork: TcpProxy;
  inputFile: string;
}

async function startRig(): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-cuts-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const server = await startTestServer({ database: { kind: "pglite", dataDir: join(directory, "data") } });
  cleanUps.push(() => server.close());
  const target = { host: "127.0.0.1", port: server.running.httpPort };
  const [agentNetwork, viewerNetwork] = await Promise.all([startTcpProxy(target), startTcpProxy(target)]);
  cleanUps.push(
    () => agentNetwork.close(),
    () => viewerNetwork.close(),
  );
  const { agentId, token } = await server.registerAgent();
  const { agent, inputFile } = await startStreamAgent({
    wsUrl: agentNetwork.through(server.wsUrl),
    agentId,
    token,
    directory,
    bytesPerSecond: BYTES_PER_SECOND,
  });
  cleanUps.push(() => agent.stop("test over"));
  const viewer = openStreamViewer({ wsUrl: viewerNetwork.through(server.wsUrl), agentId, token: server.adminToken });
  cleanUps.push(async () => viewer.terminal.close());
  return { viewer, agentNetwork, viewerNetwork, inputFile };
}

const rounds = CUTS;
const bytesBetween = () => 1 + Math.floor(random() * MAX_BYTES_BETWEEN_CUTS);

it("a viewer that is cut 20 times sees and types every byte exactly once", async () => {
  const rig = await startRig();
  const lost = () => rig.viewer.events.filter(({ type }) => type === "lost").length;
  const disturb = async (round: number) => {
    await rig.viewerNetwork.cut();
    await expect.poll(lost).toBeGreaterThan(round);
    await rig.viewerNetwork.mend();
  };
  await checkBothWays(rig, { rounds, bytesBetween, disturb });
}, 120_000);

it("an agent that is cut 20 times loses and doubles no byte", async () => {
  const rig = await startRig();
  const disturb = async () => {
    await rig.agentNetwork.cut();
    await rig.agentNetwork.mend();
  };
  await checkBothWays(rig, { rounds, bytesBetween, disturb });
}, 120_000);

it("both connections cut at random, 20 times, lose and double no byte", async () => {
  const rig = await startRig();
  const disturb = async () => {
    const victims = [rig.agentNetwork, rig.viewerNetwork].filter(() => random() < 0.6);
    await Promise.all(victims.map((network) => network.cut()));
    await Promise.all(victims.map((network) => network.mend()));
  };
  await checkBothWays(rig, { rounds, bytesBetween, disturb });
}, 120_000);
