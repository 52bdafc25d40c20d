// The page behind TLS, and of one instance of several.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { createAuthority } from "../support/certificates.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster } from "../support/test-cluster.ts";
import { startTestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

afterAll(closeBrowser);

async function echoes(under: PageUnderTest, word: string): Promise<void> {
  await under.page.keyboard.type(`echo ${word.slice(0, 2)}''${word.slice(2)}\n`);
  await under.shows(new RegExp(`^${word}$`, "m"));
}

describe("the page", () => {
  it("opens terminals on agents that another instance holds, and waits for its own while that restarts", async () => {
    const cluster = await startTestCluster({ servers: 2, path: "direct" });
    const [one, two] = cluster.servers;
    if (one === undefined || two === undefined) throw new Error("no two servers");
    const agent = await startTestAgent({ wsUrl: one.wsUrl, ...(await one.registerAgent("box")) });
    const under = await openPage(two.httpUrl);
    await under.logIn(one.adminToken);
    await under.open("box");
    await echoes(under, "routed");
    await two.restart();
    await echoes(under, "again");
    expect(under.complaints).toEqual([]);
    await under.close();
    await agent.stop("the test is over");
    await cluster.close();
  });

  it("speaks wss where it came by https", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rexec-web-tls-"));
    const authority = createAuthority(directory);
    const server = await startTestServer({ tls: authority.issue("server") });
    const under = await openPage(server.httpUrl.replace("http", "https"), { ignoreHTTPSErrors: true });
    const registered = await under.page.request.post(`${under.page.url()}api/agents`, {
      headers: { authorization: `Bearer ${server.adminToken}` },
      data: { name: "box" },
    });
    const { id: agentId, token } = (await registered.json()) as { id: AgentId; token: string };
    const origin = `wss://127.0.0.1:${server.running.httpPort}`;
    const tls = { ca: readFileSync(authority.caFile) };
    const agent = startAgent({ servers: [origin], agentId, token, tls, logger: silentLogger });
    await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
    await under.logIn(server.adminToken);
    await under.agent("box").locator(".agent-open").click();
    await under.pane().locator(".xterm-screen").waitFor();
    await echoes(under, "sealed");
    expect(under.asked.filter((url) => url.startsWith("wss:"))).toHaveLength(1);
    expect(under.complaints).toEqual([]);
    await under.close();
    await agent.stop("the test is over");
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });
});
