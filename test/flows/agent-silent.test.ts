// An agent goes silent: the process is stopped in its tracks, and everybody is told within 45 s.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentStatus, type AgentStatus as Status } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { OFFLINE_AFTER_MS } from "../../src/protocol/limits.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startAgentProcess } from "../support/agent-process.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import type { RexecProcess } from "../support/processes.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-silent-"));
  server = await startTestServer({ database: { kind: "postgres", url: await freshDatabase() } });
});

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function statusOf(agentId: AgentId): Promise<Status> {
  const response = await call(server.agents, "getAgent", { agentId }, server.adminToken);
  return (response as { agent: { status: Status } }).agent.status;
}

async function connectedAgent(): Promise<{ agentId: AgentId; token: string; process: RexecProcess }> {
  const registered = await server.registerAgent();
  const process = await startAgentProcess({ httpUrl: server.httpUrl, directory, ...registered });
  await expect.poll(() => statusOf(registered.agentId)).toBe(AgentStatus.AGENT_STATUS_ONLINE);
  return { ...registered, process };
}

it("stopped with SIGSTOP it is suspect, then offline within 45 s, in the database and for its viewers; and comes back", async () => {
  const { agentId, process } = await connectedAgent();
  const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
  await viewer.opened();
  viewer.type("mark=here\n");
  await viewer.shows(/mark=here/);
  const states = () => viewer.events.flatMap((event) => (event.type === "agentState" ? [event.state] : []));

  process.child.kill("SIGSTOP");
  const stoppedAt = Date.now();
  await expect.poll(states, { timeout: OFFLINE_AFTER_MS, interval: 100 }).toContain("suspect");
  await expect.poll(states, { timeout: OFFLINE_AFTER_MS, interval: 100 }).toContain("offline");
  await expect.poll(() => statusOf(agentId), { timeout: 5_000 }).toBe(AgentStatus.AGENT_STATUS_OFFLINE);
  // Silence counts from the last frame heard, which was before the signal; a tick and the write come on top.
  expect(Date.now() - stoppedAt).toBeLessThan(OFFLINE_AFTER_MS + 3_000);

  process.child.kill("SIGCONT");
  await expect.poll(() => statusOf(agentId), { timeout: 60_000 }).toBe(AgentStatus.AGENT_STATUS_ONLINE);
  viewer.type("echo still-$mark\n");
  await expect.poll(() => viewer.text(), { timeout: 30_000 }).toMatch(printed("still-here"));
  viewer.terminal.close();
  await process.kill("SIGTERM");
}, 180_000);

it("killed with SIGKILL it is offline at once", async () => {
  const { agentId, process } = await connectedAgent();
  await process.kill("SIGKILL");
  await expect.poll(() => statusOf(agentId)).toBe(AgentStatus.AGENT_STATUS_OFFLINE);
});

it("told to stop with SIGTERM it ends its shells and says so", async () => {
  const { agentId, process } = await connectedAgent();
  const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
  await viewer.opened();
  expect((await process.kill("SIGTERM")).code).toBe(0);
  expect(await viewer.terminal.closed).toMatchObject({ kind: "ended", reason: "agent stopping" });
  await expect.poll(() => statusOf(agentId)).toBe(AgentStatus.AGENT_STATUS_OFFLINE);
});
