// An instance that dies, and one that is stopped and wakes: what the others show, whom they serve, and what the woken one
// still does.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { InstanceServiceClient } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const OFFLINE_WITHIN_MS = 45_000;

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
let directory: string;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-lost-"));
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
});
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  await cluster.close();
  await rm(directory, { recursive: true, force: true });
});

/** One more instance, as a process that can be killed. */
async function startInstance(name: string): Promise<ServerProcess> {
  const { database, cluster: shared } = one.config as ServerConfig & { database: { url: string } };
  const server = await startServerProcess(directory, {
    REXEC_DATA_DIR: "",
    REXEC_DATABASE_URL: database.url,
    REXEC_REDIS_URL: shared?.redisUrl ?? "",
    REXEC_PEER_PORT: "0",
    REXEC_INSTANCE_ID: name,
  });
  cleanUps.push(() => server.stop());
  return server;
}

const statusOn = async ({ agents, adminToken }: TestServer, agentId: AgentId) =>
  ((await call(agents, "getAgent", { agentId }, adminToken)) as { agent: { status: AgentStatus } }).agent.status;
async function instancesOn({ grpcAddress, adminToken }: TestServer): Promise<string[]> {
  const client = new InstanceServiceClient(grpcAddress, credentials.createInsecure());
  const listed = await call(
    client,
    "listInstances",
    { pageSize: 0, pageToken: "", filter: "", orderBy: "" },
    adminToken,
  );
  client.close();
  return (listed as { instances: { id: string }[] }).instances.map(({ id }) => id).sort();
}

it("dies: within 45 s its agents are offline everywhere and its slots are free", async () => {
  const mortal = await startInstance("mortal");
  await expect.poll(() => instancesOn(one)).toContain("mortal");
  const owner = await cluster.addUser({ terminals: 1 });
  const token = (await cluster.addToken(owner, { scopes: ["write"] })).secret;
  const registered = await cluster.addAgent(owner);
  const { agentId } = registered;
  const onMortal = { ...one, wsUrl: mortal.wsUrl };
  const agent = await V2Agent.connect(onMortal, registered);
  const there = await V2Viewer.open(mortal.wsUrl, agentId, { token });
  const watching = openShellViewer({ wsUrl: two.wsUrl, agentId, token: two.adminToken });
  await watching.opened();
  // The one slot is taken.
  const another = await V2Agent.connect(one, await cluster.addAgent(owner));
  const open = () => WireSocket.dial(`${one.wsUrl}/ws/agent/${another.agentId}/terminal`, { token });
  await expect(open()).rejects.toThrow(/AGENT_TERMINAL_LIMIT_REACHED/);

  const killedAt = Date.now();
  const sinceKill = () => Date.now() - killedAt;
  await mortal.process.kill("SIGKILL");
  // Its agent is gone for good.
  agent.wire.socket.terminate();
  there.wire.socket.terminate();
  const states = () => watching.events.flatMap((event) => (event.type === "agentState" ? [event.state] : []));
  await expect.poll(states, { timeout: OFFLINE_WITHIN_MS }).toContain("offline");
  for (const server of [one, two]) {
    await expect
      .poll(() => statusOn(server, agentId), { timeout: OFFLINE_WITHIN_MS })
      .toBe(AgentStatus.AGENT_STATUS_OFFLINE);
  }
  await expect
    .poll(
      () =>
        open().then(
          () => "open",
          () => "refused",
        ),
      { timeout: OFFLINE_WITHIN_MS },
    )
    .toBe("open");
  await expect.poll(() => instancesOn(two), { timeout: OFFLINE_WITHIN_MS }).not.toContain("mortal");
  expect(sinceKill()).toBeLessThan(OFFLINE_WITHIN_MS);
  watching.terminal.close();
  another.wire.socket.terminate();
}, 120_000);

it("is stopped for a minute and wakes: it delivers nothing, and its agent and viewers have gone on elsewhere", async () => {
  const zombie = await startInstance("zombie");
  await expect.poll(() => instancesOn(one)).toContain("zombie");
  const { agentId, token } = await one.registerAgent("on-the-zombie");
  const agent = await startTestAgent({ wsUrl: zombie.wsUrl, others: [one.wsUrl], agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  await expect.poll(() => agent.state).toMatchObject({ kind: "connected", server: zombie.wsUrl });
  const stays = openShellViewer({ wsUrl: two.wsUrl, agentId, token: two.adminToken });
  await stays.opened();
  stays.type("kept=good\r");
  await stays.shows(/kept=good/);
  const stale = await V2Viewer.open(zombie.wsUrl, agentId, { token: one.adminToken });

  zombie.process.child.kill("SIGSTOP");
  await stale.type(`touch ${join(directory, "typed-at-the-zombie")}\r`);
  // The agent finds its server silent and dials the other; the viewer follows it there.
  await expect.poll(() => agent.state, { timeout: 70_000 }).toMatchObject({ kind: "connected", server: one.wsUrl });
  stays.type("echo $kept-$((1+1))\r");
  await expect.poll(stays.text, { timeout: 30_000 }).toMatch(printed("good-2"));
  const before = stale.wire.received.length;

  zombie.process.child.kill("SIGCONT");
  await expect.poll(() => instancesOn(one), { timeout: 30_000 }).toContain("zombie");
  stays.type("echo $kept-$((2+2))\r");
  await stays.shows(printed("good-4"));
  // It has looked, and holds nothing: not one byte came from it. What came through it came from the new owner, to whom it
  // has brought its viewer anew, if the viewer was still there.
  const since = stale.wire.received.slice(before);
  const firstData = since.findIndex(({ kind }) => kind === "data");
  const opened = since.findIndex((one) => one.kind === "control" && one.message.$case === "opened");
  if (firstData !== -1) expect(since.slice(0, firstData)).toContain(since[opened]);
  await expect(readFile(join(directory, "typed-at-the-zombie"))).rejects.toThrow(/ENOENT/);
  stays.terminal.close();
  stale.wire.socket.terminate();
}, 180_000);

it("leaves in order: its agents and viewers are elsewhere within a second, and the shell goes on", async () => {
  const leaving = await startInstance("leaving");
  const { agentId, token } = await one.registerAgent("on-the-leaving-one");
  const agent = await startTestAgent({ wsUrl: leaving.wsUrl, agentId, token, others: [one.wsUrl] });
  cleanUps.push(() => agent.stop("test over"));
  const viewer = openShellViewer({ wsUrl: two.wsUrl, agentId, token: two.adminToken });
  await viewer.opened();
  viewer.type("kept=still\r");
  await viewer.shows(/kept=still/);
  await leaving.process.kill("SIGTERM");
  viewer.type("echo $kept-there\r");
  await viewer.shows(printed("still-there"));
  expect(agent.state).toMatchObject({ kind: "connected", server: one.wsUrl });
  await expect.poll(() => instancesOn(one)).not.toContain("leaving");
  viewer.terminal.close();
});
