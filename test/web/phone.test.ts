// The page on a phone: the list or one terminal, and the keys that its keyboard lacks.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

let server: TestServer;
let agent: RunningAgent;
let under: PageUnderTest;

beforeAll(async () => {
  server = await startTestServer();
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...(await server.registerAgent("box")) });
});
beforeEach(async () => {
  under = await openPage(server.httpUrl, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await under.logIn(server.adminToken);
});
afterEach(async () => {
  expect(under.complaints).toEqual([]);
  await under.close();
});
afterAll(async () => {
  await closeBrowser();
  await agent?.stop("the test is over");
  await server?.close();
});

const button = (name: string) => under.page.getByRole("button", { name, exact: true });

describe("a phone", () => {
  it("shows the list or one terminal, none of it beyond its edge", async () => {
    const isShown = async () => [
      await under.agent("box").isVisible(),
      await under.page.locator(".pane:visible").count(),
    ];
    const overhang = () => under.page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(await isShown()).toEqual([true, 0]);
    expect(await overhang()).toBe(0);
    await under.open("box");
    expect(await isShown()).toEqual([false, 1]);
    expect(await overhang()).toBe(0);
    await button("Back to the list of agents").tap();
    expect(await isShown()).toEqual([true, 0]);
    await under.agent("box").getByRole("button", { name: "New shell on box" }).tap();
    await under.shows(/^[#$]$/m, 1);
    expect(await isShown()).toEqual([false, 1]);
    expect(await under.page.locator(".position").innerText()).toBe("2 of 2");
    await button("Next view").tap();
    await expect.poll(() => under.pane(0).isVisible()).toBe(true);
    expect(await isShown()).toEqual([false, 1]);
  });

  it("has Ctrl, Esc, Tab and arrows, which leave the keyboard where it is", async () => {
    await under.open("box");
    await under.page.keyboard.type("sleep 1000\n");
    await button("Ctrl").tap();
    await under.page.keyboard.type("c");
    await under.page.keyboard.type("od -An -tx1 -w8\n");
    for (const key of ["Escape", "Tab", "Left", "Down", "Up", "Right"]) await button(key).tap();
    await under.page.keyboard.press("Enter");
    await button("Ctrl").tap();
    await under.page.keyboard.type("d");
    await under.shows(/^ 1b 09 1b 5b 44 1b 5b 42\n 1b 5b 41 1b 5b 43 0a$/m);
    expect(await button("Ctrl").getAttribute("aria-pressed")).toBe("false");
  });
});
