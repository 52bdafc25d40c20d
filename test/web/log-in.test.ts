// Logging in on the page, the list of agents, and where the token is not.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import {
  CreateTokenRequest,
  type CreateTokenResponse,
  TokenScope,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import { anUnknownToken } from "../support/identities.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

let server: TestServer;
let agent: RunningAgent;
let agentToken: string;
let under: PageUnderTest;

beforeAll(async () => {
  server = await startTestServer();
  const box = await server.registerAgent("box");
  agentToken = box.token;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...box });
  await server.registerAgent("spare");
});
afterEach(() => under?.close());
afterAll(async () => {
  await closeBrowser();
  await agent?.stop("the test is over");
  await server?.close();
});

const alertOf = ({ page }: PageUnderTest) => page.getByRole("alert").first().innerText();

describe("a token", () => {
  it("that is none is refused with what to do", async () => {
    under = await openPage(server.httpUrl);
    await under.page.getByLabel("Token").fill(anUnknownToken());
    await under.page.getByRole("button", { name: "Log in" }).click();
    await expect
      .poll(() => alertOf(under))
      .toBe("Invalid token. It may be mistyped, expired or revoked. Make another one with: rexec token create NAME");
    await under.page.getByLabel("Token").fill("two words");
    await under.page.keyboard.press("Enter");
    await expect.poll(() => alertOf(under)).toMatch(/^That is no token/);
    await under.page.getByLabel("Token").fill(agentToken);
    await under.page.keyboard.press("Enter");
    await expect.poll(() => alertOf(under)).toMatch(/^Not authorized\. .*An agent’s own token opens nothing here/);
    await under.logIn(server.adminToken);
    expect(under.complaints).toEqual([]);
  });

  it("is in no address, no storage and no document, and is asked for again after a reload", async () => {
    under = await openPage(server.httpUrl);
    await under.logIn(server.adminToken);
    await under.open("box");
    await under.page.keyboard.type("echo $((6*7))\n");
    await under.shows(/^42$/m);

    const origins = new Set(under.asked.map((url) => new URL(url).host));
    expect([...origins]).toEqual([new URL(server.httpUrl).host]);
    const secret = server.adminToken.slice("rexec_".length);
    const stored = await under.page.context().storageState({ indexedDB: true });
    const kept = await under.page.evaluate(
      `JSON.stringify([
        { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, window.name,
        document.documentElement.outerHTML, [...document.querySelectorAll("input")].map(({ value }) => value),
      ])`,
    );
    expect(JSON.stringify([under.asked, stored, kept])).not.toContain(secret);
    expect(under.complaints).toEqual([]);

    await under.page.reload();
    await under.page.getByLabel("Token").waitFor();
    expect(await under.page.getByRole("navigation", { name: "Agents" }).isVisible()).toBe(false);
  });

  it("that ends while it is used asks for another, and the terminals go on", async () => {
    under = await openPage(server.httpUrl);
    const { secret, token } = await makeToken("short-lived");
    await under.logIn(secret);
    await under.open("box");
    await under.page.keyboard.type("echo be''fore\n");
    await under.shows(/^before$/m);
    // What is open then must not be in the way.
    await under.page.getByRole("button", { name: "Keys", exact: true }).click();
    await callTokens("revokeToken", { tokenId: token?.id ?? "" });
    await expect.poll(() => alertOf(under), { timeout: 30_000 }).toMatch(/^Your login has ended/);
    await under.logIn(server.adminToken);
    await under.shows(/^before$/m);
    await under.page.keyboard.type("echo af''ter\n");
    await under.shows(/^after$/m);
  });
});

describe("the list", () => {
  it("says of each agent whether it is there, by a sign and a word, and follows it", async () => {
    under = await openPage(server.httpUrl);
    await under.logIn(server.adminToken);
    const stateOf = async (name: string) => (await under.agent(name).locator(".agent-open").innerText()).split("\n");
    expect(await stateOf("spare")).toEqual(["-", "spare", "never connected · linux x64"]);
    expect(await stateOf("box")).toEqual(["+", "box", expect.stringMatching(/^online · \S.* x64$/) as string]);
    const late = await server.registerAgent("late");
    await expect.poll(() => under.agent("late").count()).toBe(1);
    const lateAgent = await startTestAgent({ wsUrl: server.wsUrl, ...late });
    await expect.poll(async () => (await stateOf("late"))[0]).toBe("+");
    await lateAgent.stop("it goes");
    await expect.poll(async () => (await stateOf("late"))[2]).toMatch(/^offline/);
  });

  it("is filtered by name, platform and state, and says how many are shown", async () => {
    under = await openPage(server.httpUrl);
    await under.logIn(server.adminToken);
    await under.page.keyboard.type("never conn");
    await expect.poll(() => under.page.locator(".agent:visible").allInnerTexts()).toHaveLength(1);
    expect(await under.page.locator(".list-note").innerText()).toMatch(/^1 of \d agents$/);
  });

  it("shows names of strangers as texts", async () => {
    await server.registerAgent("<img src=x onerror=alert(1)>");
    under = await openPage(server.httpUrl);
    await under.logIn(server.adminToken);
    await expect.poll(() => under.agent("<img src=x").count()).toBe(1);
    expect(await under.page.locator(".agent img").count()).toBe(0);
  });
});

function callTokens(method: "createToken" | "revokeToken", request: object): Promise<unknown> {
  return call(server.tokens, method, request, server.adminToken);
}

async function makeToken(name: string) {
  const request = CreateTokenRequest.fromPartial({ name, scopes: [TokenScope.TOKEN_SCOPE_WRITE] });
  return (await callTokens("createToken", request)) as CreateTokenResponse;
}
