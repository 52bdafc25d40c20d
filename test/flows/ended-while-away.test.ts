// A shell that ends while its agent is cut off from the server: who looked at it, and who asks for it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let server: TestServer;
let agentId: AgentId;
let agentNetwork: TcpProxy;
let viewerNetwork: TcpProxy;
let viewer: ShellViewer;
let goFile: string;
let shellEnded: Promise<void>;

/** A viewer on a shell that says its last words and ends once `goFile` is there. */
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-ended-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  server = await startTestServer();
  cleanUps.push(() => server.close());
  const target = { host: "127.0.0.1", port: server.running.httpPort };
  [agentNetwork, viewerNetwork] = await Promise.all([startTcpProxy(target), startTcpProxy(target)]);
  cleanUps.push(
    () => agentNetwork.close(),
    () => viewerNetwork.close(),
  );
  const registered = await server.registerAgent();
  agentId = registered.agentId;
  const ended = Promise.withResolvers<void>();
  shellEnded = ended.promise;
  const agent = startAgent({
    servers: [agentNetwork.through(server.wsUrl)],
    ...registered,
    logger: {
      ...silentLogger,
      info: (_fields: object, message: string) => message === "session ended" && ended.resolve(),
    },
    shell: { file: "/bin/sh", args: [], cwd: "/", env: { PATH: "/usr/bin:/bin", TERM: "xterm-256color" } },
  });
  cleanUps.push(() => agent.stop("test over"));
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
  viewer = openShellViewer({ wsUrl: viewerNetwork.through(server.wsUrl), agentId, token: server.adminToken });
  cleanUps.push(async () => viewer.terminal.close());
  await viewer.opened();
  goFile = join(directory, "go");
  viewer.type(`echo wait-$((1+1)); until [ -e ${goFile} ]; do sleep 0.01; done; echo last-$((2+3)); exit 3\n`);
  await viewer.shows(printed("wait-2"));
});

async function endWhileAway(): Promise<void> {
  await agentNetwork.cut();
  await writeFile(goFile, "");
  await shellEnded;
}

async function sessionIds(): Promise<string[]> {
  const request = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
  const response = await call(server.sessions, "listSessions", request, server.adminToken);
  return (response as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
}

it("a viewer that waited for the agent gets its last words and exit code", async () => {
  await endWhileAway();
  await agentNetwork.mend();
  expect(await viewer.terminal.closed).toEqual({ kind: "ended", exitCode: 3, reason: "exited" });
  expect(viewer.text()).toMatch(printed("last-5"));
  expect(await sessionIds()).toEqual([]);
});

it("a viewer that comes back after the agent gets them, too, though the shell is said to run no more", async () => {
  await viewerNetwork.cut();
  await endWhileAway();
  await agentNetwork.mend();
  await expect.poll(sessionIds, { timeout: 20_000 }).toEqual([]);
  await viewerNetwork.mend();
  expect(await viewer.terminal.closed).toEqual({ kind: "ended", exitCode: 3, reason: "exited" });
  expect(viewer.text()).toMatch(printed("last-5"));
});

it("nobody who asks for it afterwards is told that it runs", async () => {
  viewer.terminal.close();
  await viewer.terminal.closed;
  await endWhileAway();
  expect(await sessionIds()).toEqual(["main"]);
  await agentNetwork.mend();
  await expect.poll(sessionIds, { timeout: 20_000 }).toEqual([]);
  const terminated = call(server.sessions, "terminateSession", { agentId, sessionId: "main" }, server.adminToken);
  await expect(terminated).rejects.toMatchObject({ details: "session not found" });
});
