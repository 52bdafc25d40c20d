// Several viewers on one agent: who sees what, and whose keys go where.

import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { type AgentId, parseSessionId, type SessionId } from "../../src/protocol/ids.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;
const viewers: ShellViewer[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const registered = await server.registerAgent();
  agentId = registered.agentId;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...registered });
});

afterAll(async () => {
  for (const viewer of viewers) viewer.terminal.close();
  await agent.stop("test over");
  await server.close();
});

function view(options: Partial<Parameters<typeof openShellViewer>[0]> = {}): ShellViewer {
  const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken, ...options });
  viewers.push(viewer);
  return viewer;
}

async function sessionIds(): Promise<string[]> {
  const request = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
  const response = await call(server.sessions, "listSessions", request, server.adminToken);
  return (response as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
}

it("two viewers on main see the same bytes, whoever types", async () => {
  const [one, two] = [view(), view()];
  await Promise.all([one.opened(), two.opened()]);
  one.type("echo from-$((1+0))\n");
  await Promise.all([one.shows(printed("from-1")), two.shows(printed("from-1"))]);
  two.type("echo from-$((1+1))\n");
  await Promise.all([one.shows(printed("from-2")), two.shows(printed("from-2"))]);
  expect(one.text().slice(one.text().indexOf("echo from-"))).toBe(two.text().slice(two.text().indexOf("echo from-")));
  one.terminal.close();
  two.terminal.close();
});

it("the last viewer leaving does not end main", async () => {
  const first = view();
  await first.opened();
  first.type("kept=yes-$((3*3))\n");
  await first.shows(/kept=/);
  first.terminal.close();
  await first.terminal.closed;
  const second = view();
  await second.opened();
  second.type("echo $kept\n");
  await second.shows(printed("yes-9"));
  second.terminal.close();
});

it("a split is a shell of its own", async () => {
  const [main, split] = [view(), view({ target: { kind: "new" } })];
  await main.opened();
  const { sessionId } = await split.opened();
  expect(sessionId).toMatch(/^split-/);
  main.type("where=main\n");
  split.type("echo here-${where:-split}\n");
  await split.shows(printed("here-split"));
  expect(main.text()).not.toContain("here-split");
  split.type("exit 3\n");
  expect(await split.terminal.closed).toEqual({ kind: "ended", exitCode: 3, reason: "exited" });
  main.type("echo still-$where\n");
  await main.shows(printed("still-main"));
  main.terminal.close();
});

it("an unknown session id is refused, types nowhere and starts nothing", async () => {
  const main = view();
  await main.opened();
  const before = await sessionIds();
  const lost = view({ target: { kind: "session", sessionId: parseSessionId("split-nobody-knows") as SessionId } });
  lost.type("echo lost-key\n");
  expect(await lost.terminal.closed).toMatchObject({ kind: "failed", reason: "SESSION_NOT_FOUND" });
  expect(await sessionIds()).toEqual(before);
  main.type("echo proof\n");
  await main.shows(printed("proof"));
  expect(main.text()).not.toContain("lost-key");
  main.terminal.close();
});

it("a viewer that only watches sees everything and types nothing", async () => {
  const [typist, watcher] = [view(), view({ readOnly: true })];
  await Promise.all([typist.opened(), watcher.opened()]);
  watcher.type("echo forbidden\n");
  typist.type("echo allowed\n");
  await watcher.shows(printed("allowed"));
  expect(typist.text()).not.toContain("forbidden");
  typist.terminal.close();
  watcher.terminal.close();
});

it("an idle small window does not shrink the shell of the one who types", async () => {
  const large = view({ size: { cols: 132, rows: 40 } });
  await large.opened();
  large.type("stty size\n");
  await large.shows(printed("40 132"));
  const small = view({ size: { cols: 20, rows: 5 } });
  await small.opened();
  large.type("echo again; stty size\n");
  await large.shows(printed("again\n40 132"));
  small.terminal.close();
  large.terminal.close();
});

it("a shell that has ended starts anew for the next viewer of main", async () => {
  const first = view();
  await first.opened();
  first.type("exit 5\n");
  expect(await first.terminal.closed).toMatchObject({ kind: "ended", exitCode: 5 });
  const second = view();
  await second.opened();
  second.type("echo new-$((2+2))\n");
  await second.shows(printed("new-4"));
  second.terminal.close();
});
