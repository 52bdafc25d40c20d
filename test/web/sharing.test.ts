// Sharing on the page: who is logged in makes a link, a guest opens it without an account, and it ends.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

let server: TestServer;
let agent: RunningAgent;
let owner: PageUnderTest;
let guests: PageUnderTest[];
let name: string;
let boxes = 0;

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  guests = [];
  name = `box-${++boxes}`;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...(await server.registerAgent(name)) });
  owner = await openPage(server.httpUrl);
  await owner.logIn(server.adminToken);
  await owner.open(name);
});
afterEach(async () => {
  for (const under of [owner, ...guests]) {
    expect(under.complaints).toEqual([]);
    await under.close();
  }
  await agent.stop("the test is over");
});
afterAll(async () => {
  await closeBrowser();
  await server?.close();
});

const dialog = () => owner.page.getByRole("dialog", { name: "Share" });

/** By the dialog, which is open afterwards. */
async function makeLink(access: "Watch" | "Type"): Promise<string> {
  await owner.pane().getByRole("button", { name: "Share…" }).click();
  await dialog().getByRole("radio", { name: access }).check();
  await dialog().getByLabel("Ends after").selectOption("15 minutes");
  await dialog().getByRole("button", { name: "Make link" }).click();
  const link = dialog().getByRole("textbox", { name: "Link" });
  await link.waitFor();
  return link.inputValue();
}

async function join(link: string): Promise<PageUnderTest> {
  const guest = await openPage(link);
  guests.push(guest);
  return guest;
}

const about = (guest: PageUnderTest) => guest.page.locator(".shared-about").innerText();
const secretOf = (link: string) => link.split("=")[1] ?? "";

describe("a link for watching", () => {
  it("shows the session to a guest, who can do nothing else, until its owner ends it", async () => {
    const link = await makeLink("Watch");
    expect(link).toMatch(new RegExp(`^${server.httpUrl}/#share=rexec_share_[0-9a-f]{48}$`));
    const guest = await join(link);
    await guest.shows(/^[#$]/m);
    expect(await about(guest)).toMatch(
      new RegExp(`^\\S+ shares main of ${name} with you: you can watch until .*\\d\\d`),
    );
    // No list, no login, nothing to open, and no second view.
    expect(await guest.page.getByRole("button").count()).toBe(0);
    await guest.page.keyboard.type("echo never''typed\n");
    await dialog().getByRole("button", { name: "Close" }).click();
    await owner.pane().locator(".xterm").click();
    await owner.page.keyboard.type("echo from''owner\n");
    await guest.shows(/^fromowner$/m);
    expect((await owner.lines()).join("\n")).not.toContain("never");

    await owner.pane().getByRole("button", { name: "Share…" }).click();
    const row = dialog().getByRole("listitem");
    expect(await row.innerText()).toMatch(/^Watch until .*: 1 of 8 there now, opened 1×/);
    await row.getByRole("button", { name: "End" }).click();
    await expect.poll(() => guest.pane().locator(".pane-end").innerText()).toMatch(/^This share has ended/);
    expect(await guest.pane().locator(".pane-end button").count()).toBe(0);
    await expect.poll(() => row.count()).toBe(0);
  });

  it("leaves its secret in no address, history or request, and in no field of the dialog", async () => {
    const link = await makeLink("Watch");
    const secret = secretOf(link);
    await dialog().getByRole("button", { name: "Close" }).click();
    await owner.pane().getByRole("button", { name: "Share…" }).click();
    expect(await dialog().getByRole("textbox", { name: "Link" }).count()).toBe(0);
    expect(await owner.page.content()).not.toContain(secret);

    const guest = await join(link);
    await guest.shows(/^[#$]/m);
    expect(guest.page.url()).toBe(`${server.httpUrl}/`);
    expect(guest.asked.filter((url) => url.includes(secret))).toEqual([]);
    const stored = await guest.page.evaluate(
      "JSON.stringify([localStorage, sessionStorage, document.cookie, history.state])",
    );
    expect(String(stored) + (await guest.page.content())).not.toContain(secret);
    await guest.page.reload();
    await guest.page.getByLabel("Token").waitFor();
  });
});

describe("a link for typing", () => {
  it("lets a guest type into the session, who hears how the shell ended", async () => {
    const guest = await join(await makeLink("Type"));
    await guest.shows(/^[#$]/m);
    expect(await about(guest)).toContain("you can type until");
    await guest.page.keyboard.type("echo by''guest\n");
    await owner.shows(/^byguest$/m);
    await guest.page.keyboard.type("exit 3\n");
    await expect
      .poll(() => guest.pane().locator(".pane-end").innerText())
      .toBe("The shell has ended with exit code 3.");
    const late = await join(await openShare());
    await late.page.getByText("The session that was shared has ended.").waitFor();
  });
});

/** Of main, which runs anew by then; the share is of the one before. */
async function openShare(): Promise<string> {
  await dialog().getByRole("button", { name: "Close" }).click();
  await owner.pane().getByRole("button", { name: "Open anew" }).click();
  await owner.shows(/^[#$]/m);
  const link = await makeLink("Watch");
  await dialog().getByRole("button", { name: "Close" }).click();
  await owner.pane().locator(".xterm").click();
  await owner.page.keyboard.type("exit\n");
  await owner.pane().getByRole("button", { name: "Open anew" }).click();
  await owner.shows(/^[#$]/m);
  return link;
}

describe("a link that opens nothing", () => {
  it("says so: revoked, or not whole", async () => {
    const link = await makeLink("Watch");
    await dialog().getByRole("button", { name: "End" }).click();
    await expect.poll(() => dialog().getByRole("listitem").count()).toBe(0);
    const revoked = await join(link);
    expect(await revoked.page.getByRole("alert").innerText()).toBe(
      "This share has ended: its time is over, or it was revoked. Ask for a new link.",
    );
    const cut = await join(link.slice(0, -5));
    expect(await cut.page.getByRole("alert").innerText()).toBe(
      "This link opens nothing. It may not be whole: ask for it again.",
    );
    expect(await cut.page.getByRole("button", { name: "Try again" }).count()).toBe(0);
  });

  it("opens in a page that is there already, in place of what was shown", async () => {
    const link = await makeLink("Watch");
    const guest = await join(server.httpUrl);
    await guest.page.getByLabel("Token").waitFor();
    await guest.page.evaluate(`location.hash = ${JSON.stringify(new URL(link).hash)}`);
    await guest.shows(/^[#$]/m);
    expect(guest.page.url()).toBe(`${server.httpUrl}/`);
    expect(await guest.page.getByLabel("Token").count()).toBe(0);
  });
});
