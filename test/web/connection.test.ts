// What the page does when the server, the network or the agent goes away, and that nothing is lost by it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { startAgentProcess } from "../support/agent-process.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

let directory: string;
let server: TestServer;
let proxy: TcpProxy;
let agent: RunningAgent;
let box: Parameters<typeof startTestAgent>[0];
let under: PageUnderTest;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-web-"));
  server = await startTestServer({ database: { kind: "pglite", dataDir: directory } });
  proxy = await startTcpProxy({ host: "127.0.0.1", port: server.running.httpPort });
  box = { wsUrl: server.wsUrl, ...(await server.registerAgent("box")) };
});
beforeEach(async () => {
  agent = await startTestAgent(box);
  under = await openPage(proxy.through(server.httpUrl));
  await under.logIn(server.adminToken);
  await under.open("box");
});
afterEach(async () => {
  await proxy.mend();
  expect(under.complaints).toEqual([]);
  await under.close();
  await agent.stop("the test is over");
});
afterAll(async () => {
  await closeBrowser();
  await proxy?.close();
  await server?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

const type = (text: string) => under.page.keyboard.type(text);

describe("a lost connection", () => {
  it("is told, what is typed meanwhile is kept, and the output goes on where it was", async () => {
    await type('for i in $(seq 1 400); do printf "$i,"; sleep 0.01; done; read answer; echo; echo got-$answer\n');
    await under.shows(/,50,/);
    await proxy.cut();
    await expect.poll(() => under.banner()).toMatch(/^Connection lost.* Reconnecting; what you type is kept\.$/);
    await type("kept\n");
    await proxy.mend();
    await under.shows(/^got-kept$/m);
    expect(await under.banner()).toBe("");
    // The terminal's echo of it, in one piece or key by key, stands where the output was when it arrived.
    const text = (await under.lines()).join("").replaceAll(/[kept]/g, "");
    expect(text).toContain(`${Array.from({ length: 400 }, (_, i) => i + 1).join(",")},`);
  });

  it("is told where the list is old, too", async () => {
    await proxy.cut();
    await expect.poll(() => under.page.locator(".message").innerText()).toMatch(/^The server can’t be reached/);
    await proxy.mend();
    await expect.poll(() => under.page.locator(".message").innerText()).toBe("");
  });
});

describe("a server that restarts", () => {
  it("is waited for, and the shell is the one that it was", async () => {
    await type("x=re''membered\n");
    await under.shows(/^[#$] x=re''membered\n[#$]$/m);
    await server.restart();
    await type("echo $x\n");
    await under.shows(/^remembered$/m);
  });
});

describe("an agent", () => {
  it("that loses its network is said to be offline, and its shell goes on when it is back", async () => {
    const network = await startTcpProxy({ host: "127.0.0.1", port: server.running.httpPort });
    const far = await startTestAgent({ wsUrl: network.through(server.wsUrl), ...(await server.registerAgent("far")) });
    await under.page.keyboard.press("Alt+Shift+KeyX");
    await expect.poll(() => under.agent("far").count()).toBe(1);
    await under.open("far");
    await type("x=sa''me\n");
    await under.shows(/^[#$] x=sa''me\n[#$]$/m);
    await network.cut();
    await expect.poll(() => under.banner()).toBe("The agent is offline. Waiting for it; what you type is kept.");
    await expect.poll(() => under.agent("far").innerText()).toContain("offline");
    await type("echo $x\n");
    await network.mend();
    await under.shows(/^same$/m);
    expect(await under.banner()).toBe("");
    await far.stop("the test is over");
    await network.close();
  });

  it("that is killed comes back without its shells, which is told, and opens another", async () => {
    const mortal = { httpUrl: server.httpUrl, directory, ...(await server.registerAgent("mortal")) };
    const first = await startAgentProcess(mortal);
    await under.page.keyboard.press("Alt+Shift+KeyX");
    await expect.poll(() => under.agent("mortal").count()).toBe(1);
    await under.open("mortal");
    await type("echo old''-shell\n");
    await under.shows(/^old-shell$/m);
    await first.kill("SIGKILL");
    await expect.poll(() => under.banner()).toMatch(/^The agent is offline/);
    const second = await startAgentProcess(mortal);
    await expect
      .poll(() => under.pane().locator(".pane-end").innerText())
      .toContain("The shell has ended: agent restarted.");
    await under.page.getByRole("button", { name: "Open anew" }).click();
    await under.shows(/^[#$]$/m);
    expect((await under.lines()).join("\n")).not.toContain("old-shell");
    await type("echo new''-shell\n");
    await under.shows(/^new-shell$/m);
    await second.kill("SIGKILL");
  });

  it("that is not there is waited for from the beginning", async () => {
    const asleep = await server.registerAgent("asleep");
    await expect.poll(() => under.agent("asleep").count()).toBe(1);
    await under.agent("asleep").locator(".agent-open").click();
    await expect.poll(() => under.banner(1)).toBe("The agent is offline. Trying again until it opens.");
    const late = await startTestAgent({ wsUrl: server.wsUrl, ...asleep });
    await under.shows(/^[#$]$/m, 1);
    await late.stop("the test is over");
  });
});
