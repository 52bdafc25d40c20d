// Recordings on the page: begun and ended at a view, listed, played, deleted.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { type Recordings, recordingsOn } from "../support/recordings.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

let directory: string;
let server: TestServer;
let recordings: Recordings;
let agent: RunningAgent;
let under: PageUnderTest;
let name: string;
let boxes = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-web-recordings-"));
  server = await startTestServer({
    recording: {
      place: { kind: "directory", path: directory },
      policy: "asked",
      keepMs: undefined,
      maxBytes: 64 * 1024 * 1024,
    },
  });
  recordings = recordingsOn(server.grpcAddress, server.adminToken);
});
beforeEach(async () => {
  name = `box-${++boxes}`;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...(await server.registerAgent(name)) });
  under = await openPage(server.httpUrl);
  await under.logIn(server.adminToken);
  await under.open(name);
});
afterEach(async () => {
  expect(under.complaints).toEqual([]);
  await under.close();
  await agent.stop("the test is over");
});
afterAll(async () => {
  await closeBrowser();
  recordings?.close();
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

const type = (text: string) => under.page.keyboard.type(text);
const record = (index = 0) => under.pane(index).locator(".record");
const dialog = () => under.page.getByRole("dialog", { name: "Recordings" });
const playerLines = async () =>
  (await dialog().locator(".xterm-rows > div").allInnerTexts()).map((row) => row.replaceAll("\u00a0", " ").trimEnd());
const openDialog = () => under.page.getByRole("button", { name: "Recordings", exact: true }).click();
const row = () => dialog().locator(".recording").filter({ hasText: name });

/** One that has what is typed in it, and has ended. */
async function recordWhat(typed: string, shows: RegExp): Promise<void> {
  await record().click();
  await expect.poll(() => record().innerText()).toBe("● Recording");
  await under.pane().locator(".xterm-helper-textarea").focus();
  await type(typed);
  await under.shows(shows);
  await record().click();
  await expect.poll(() => record().innerText()).toBe("Record");
}

it("records a view, and plays it to the same screen", async () => {
  await recordWhat("clear; printf '\\033[5;10Hgr\\303\\274n \\342\\202\\254 '; echo over-$((6*7))\n", /over-42/);
  const live = await under.lines();
  await openDialog();
  await row().getByRole("button", { name: "Play" }).click();

  await expect.poll(async () => (await playerLines()).join("\n")).toMatch(/over-42/);
  await expect.poll(playerLines).toEqual(live);
  await expect.poll(() => dialog().locator(".player-controls .primary").innerText()).toBe("Play");
  expect(await dialog().locator(".player-time").innerText()).toMatch(/^0:0\d \/ 0:0\d$/);
});

it("moves to a place and back, and plays on from there", async () => {
  await recordWhat("echo one-$((6*7)); sleep 1; echo two-$((6*7))\n", /two-42/);
  await openDialog();
  await row().getByRole("button", { name: "Play" }).click();
  await expect.poll(async () => (await playerLines()).join("\n")).toMatch(/two-42/);
  const place = dialog().getByLabel("Place in the recording");
  await place.fill("0");
  await expect.poll(async () => (await playerLines()).join("\n")).not.toMatch(/two-42/);
  await dialog().getByLabel("Speed").selectOption("8");
  const toggle = dialog().locator(".player-controls .primary");
  if ((await toggle.innerText()) === "Play") await toggle.click();
  await expect.poll(async () => (await playerLines()).join("\n")).toMatch(/two-42/);
  await dialog().getByRole("button", { name: "All recordings" }).click();
  await row().waitFor();
});

it("shows others that a session is recorded, and lets them end it", async () => {
  const other = await openPage(server.httpUrl);
  await other.logIn(server.adminToken);
  await other.open(name);
  await record().click();
  await expect.poll(() => other.pane().locator(".record").innerText()).toBe("● Recording");
  // Who comes later sees it, too.
  const late = await openPage(server.httpUrl);
  await late.logIn(server.adminToken);
  await late
    .agent(name)
    .getByRole("button", { name: `Watch ${name}` })
    .click();
  await expect.poll(() => late.pane().locator(".record").innerText()).toBe("● Recording");
  expect(await late.pane().locator(".record").isDisabled()).toBe(true);
  await other.pane().locator(".record").click();
  await expect.poll(() => record().innerText()).toBe("Record");
  await expect.poll(() => late.pane().locator(".record").isVisible()).toBe(false);
  await other.close();
  await late.close();
});

it("deletes one at the second press, and ends one that goes on from the list", async () => {
  await recordWhat("echo gone-$((6*7))\n", /gone-42/);
  await record().click();
  await expect.poll(() => record().innerText()).toBe("● Recording");
  await openDialog();
  await row().first().getByRole("button", { name: "Stop" }).click();
  await expect.poll(() => row().getByRole("button", { name: "Stop" }).count()).toBe(0);
  expect(await row().count()).toBe(2);
  const remove = row().first().getByRole("button", { name: "Delete" });
  await remove.click();
  await row().first().getByRole("button", { name: "Really delete" }).click();
  await expect.poll(() => row().count()).toBe(1);
  expect((await recordings.list()).filter(({ agentName }) => agentName === name)).toHaveLength(1);
});

it("says in words that there is nothing, and why nothing can be recorded", async () => {
  const bare = await startTestServer();
  const bareAgent = await startTestAgent({ wsUrl: bare.wsUrl, ...(await bare.registerAgent("bare")) });
  const page = await openPage(bare.httpUrl);
  await page.logIn(bare.adminToken);
  await page.open("bare");
  await page.page.getByRole("button", { name: "Recordings", exact: true }).click();
  await expect
    .poll(() => page.page.getByRole("dialog", { name: "Recordings" }).innerText())
    .toMatch(/No recordings yet/);
  await page.page.keyboard.press("Escape");
  await page.pane().locator(".record").click();
  await expect.poll(() => page.banner()).toMatch(/does not record/);
  await page.close();
  await bareAgent.stop("the test is over");
  await bare.close();
});
