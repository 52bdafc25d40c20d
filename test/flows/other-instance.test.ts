// A viewer on one instance, its agent on another, by either path between them.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, listSessionsOver, type TestServer } from "../support/test-server.ts";

describe.each(["direct", "redis"] as const)("an agent on another instance, by the path %s", (path) => {
  let cluster: TestCluster;
  let one: TestServer;
  let two: TestServer;
  let agentId: AgentId;
  let agent: RunningAgent;

  beforeAll(async () => {
    cluster = await startTestCluster({ servers: 2, path });
    [one, two] = cluster.servers as [TestServer, TestServer];
    const registered = await one.registerAgent(`on-one-${randomUUID()}`);
    ({ agentId } = registered);
    agent = await startTestAgent({ wsUrl: one.wsUrl, agentId, token: registered.token });
  });
  afterAll(async () => {
    await agent.stop("test over");
    await cluster.close();
  });

  const view = (server: TestServer, options: Partial<Parameters<typeof openShellViewer>[0]> = {}): ShellViewer =>
    openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken, ...options });

  it("is typed to and seen, and viewers of both instances share its shell", async () => {
    const [here, there] = [view(one), view(two)];
    await Promise.all([here.opened(), there.opened()]);
    there.type("echo from-$((1+1))\r");
    await Promise.all([here.shows(printed("from-2")), there.shows(printed("from-2"))]);
    here.type("echo from-$((0+1))\r");
    await Promise.all([here.shows(printed("from-1")), there.shows(printed("from-1"))]);
    here.terminal.close();
    there.terminal.close();
  });

  it("has its window's size from the viewer who types there", async () => {
    const there = view(two, { size: { cols: 101, rows: 33 }, target: { kind: "new" } });
    await there.opened();
    there.type("stty size\r");
    await there.shows(printed("33 101"));
    there.terminal.resize({ cols: 90, rows: 20 });
    there.type("stty size\r");
    await there.shows(printed("20 90"));
    there.type("exit 3\r");
    expect(await there.terminal.closed).toMatchObject({ kind: "ended", exitCode: 3 });
  });

  it("shows all of a megabyte that it prints", async () => {
    const there = view(two, { target: { kind: "new" }, scrollbackLines: 0 });
    await there.opened();
    there.type("seq 1 150000 | tail -n +1; echo done-$((40+2))\r");
    await expect.poll(() => there.text().endsWith("done-42\r\n# "), { timeout: 30_000, interval: 200 }).toBe(true);
    const numbers = [...there.text().matchAll(/^(?:[#$] )*(\d+)\r$/gm)].map(([, digits]) => Number(digits));
    expect(numbers).toHaveLength(150_000);
    expect(numbers.every((number, index) => number === index + 1)).toBe(true);
    there.terminal.close();
  });

  it("is listed with its viewers on every instance, and its shell is ended from any", async () => {
    const there = view(two, { target: { kind: "new" } });
    const { sessionId } = await there.opened();
    for (const server of [one, two]) {
      await expect
        .poll(async () => {
          const sessions = await listSessionsOver(server.grpcAddress, server.adminToken);
          return sessions.find(({ id }) => id === sessionId)?.viewers.map(({ instanceId }) => instanceId);
        })
        .toEqual(["instance-2"]);
    }
    await call(two.sessions, "terminateSession", { agentId, sessionId }, two.adminToken);
    expect(await there.terminal.closed).toMatchObject({ kind: "ended", reason: "stopped" });
  });

  it("is followed to where it dials in next, and the shell goes on", async () => {
    const there = view(two);
    await there.opened();
    there.type("kept=here-$((3*3))\r");
    await there.shows(/kept=here/);
    await call(two.agents, "disconnectAgent", { agentId }, two.adminToken);
    await expect.poll(() => there.events.filter(({ type }) => type === "opened").length).toBeGreaterThan(1);
    there.type("echo $kept\r");
    await there.shows(printed("here-9"));
    there.terminal.close();
  });
});
