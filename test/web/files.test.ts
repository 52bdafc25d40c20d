// Files on the page: dropped on a view, chosen, asked for, given up, gone on with, refused.

import { createHash, randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, listSessionsOver, startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

const MIB = 2 ** 20;

let server: TestServer;
let proxy: TcpProxy;
let directory: string;
/** The browser's machine. */
let here: string;
/** The agent's home, and its only root. */
let home: string;
let agent: RunningAgent;
let agentId: string;
let name: string;
let under: PageUnderTest;
let boxes = 0;

beforeAll(async () => {
  server = await startTestServer();
  proxy = await startTcpProxy({ host: "127.0.0.1", port: server.running.httpPort });
});
beforeEach(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "rexec-web-files-")));
  [here, home] = [join(directory, "here"), join(directory, "home")];
  mkdirSync(here);
  mkdirSync(home);
  name = `box-${++boxes}`;
  const registered = await server.registerAgent(name);
  ({ agentId } = registered);
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...registered, home, fileRoots: [home] });
  under = await openPage(proxy.through(server.httpUrl));
  await under.logIn(server.adminToken);
  await under.open(name);
});
afterEach(async () => {
  await proxy.mend();
  expect(under.complaints).toEqual([]);
  await under.close();
  await agent.stop("the test is over");
  rmSync(directory, { recursive: true });
});
afterAll(async () => {
  await closeBrowser();
  await proxy?.close();
  await server?.close();
});

const button = (label: string | RegExp) => under.page.getByRole("button", { name: label });
const dialog = () => under.page.getByRole("dialog");
const zone = () => under.pane().locator(".drop-zone");
const row = (index = 0) => under.pane().locator(".transfer").nth(index);
const told = (index = 0) => expect.poll(() => row(index).locator(".transfer-told").innerText(), { timeout: 30_000 });
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const parts = () => readdirSync(home).filter((each) => each.endsWith(".rexec-part"));
const partBytes = () => parts().reduce((sum, each) => sum + statSync(join(home, each)).size, 0);

async function choose(item: "Upload…" | "Download…"): Promise<void> {
  await under.pane().getByText("Files", { exact: true }).click();
  await button(item).click();
}

/** By the button, as on a phone. */
async function upload(paths: string[], folder = ""): Promise<void> {
  const chooser = under.page.waitForEvent("filechooser");
  await choose("Upload…");
  await (await chooser).setFiles(paths);
  await under.page.getByLabel("Folder", { exact: true }).fill(folder);
  await dialog().getByRole("button", { name: "Upload" }).click();
}

async function look(path: string): Promise<void> {
  await under.page.getByLabel("File or folder").fill(path);
  await dialog().getByRole("button", { name: "Open", exact: true }).click();
}

function put(file: string, bytes: Uint8Array | string): string {
  writeFileSync(join(here, file), bytes);
  return join(here, file);
}

/** Held above the view, with the bytes 0, 1, 2, … in it. */
const held = (file: string, size: number) =>
  under.page.evaluateHandle(
    `(() => {
      const held = new DataTransfer();
      held.items.add(new File([Uint8Array.from({ length: ${size} }, (_, i) => i)], "${file}"));
      return held;
    })()`,
  );

describe("an upload", () => {
  it("is dropped on a view, and is on the agent's disk, byte by byte", async () => {
    const dataTransfer = await held("dropped.bin", 100_000);
    const stage = under.pane().locator(".pane-stage");
    expect(await zone().isVisible()).toBe(false);
    await stage.dispatchEvent("dragenter", { dataTransfer });
    expect(await zone().innerText()).toBe(`Drop files to upload them to ${name}`);
    await stage.dispatchEvent("drop", { dataTransfer });
    expect(await zone().isVisible()).toBe(false);
    expect(await dialog().innerText()).toContain("dropped.bin");
    await under.page.keyboard.press("Enter");
    await told().toBe(`Uploaded to ${home}/dropped.bin`);
    const expected = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i & 0xff));
    expect(readFileSync(join(home, "dropped.bin")).equals(expected)).toBe(true);
    expect(readdirSync(home)).toEqual(["dropped.bin"]);
    // The terminal has the focus again.
    await under.page.keyboard.type("echo he''re\n");
    await under.shows(/^here$/m);
  });

  it("is chosen by a button, several at once, into a folder that is there", async () => {
    mkdirSync(join(home, "in"));
    const names = Array.from({ length: 8 }, (_, n) => `file ${n}`);
    await upload(
      names.map((each) => put(each, each.repeat(1_000))),
      "~/in",
    );
    for (const index of names.keys()) await told(index).toMatch(/^Uploaded to /);
    expect(readdirSync(join(home, "in")).toSorted()).toEqual(names);
    expect(readFileSync(join(home, "in", "file 7"), "utf8")).toBe("file 7".repeat(1_000));
    await upload([put("empty", "")], "nowhere");
    await told(8).toBe("File not found.");
    expect(readdirSync(home)).toEqual(["in"]);
  });

  it("asks before it replaces a file, and keeps it where that is wanted", async () => {
    writeFileSync(join(home, "x"), "theirs");
    await upload([put("x", "ours")]);
    await told().toMatch(/^Exists already: 6B, of /);
    await button("Keep it").click();
    expect(readFileSync(join(home, "x"), "utf8")).toBe("theirs");
    await upload([put("x", "ours")]);
    await button("Replace").click();
    await told().toMatch(/^Uploaded/);
    expect(readFileSync(join(home, "x"), "utf8")).toBe("ours");
  });

  it("of 20 MiB goes on where it was when the connection is cut, and is the same", async () => {
    const bytes = randomBytes(20 * MIB);
    await upload([put("large", bytes)]);
    await expect.poll(partBytes, { interval: 5 }).toBeGreaterThan(2 * MIB);
    await proxy.cut();
    await told().toBe("Connection lost. It goes on when it is back.");
    expect(partBytes()).toBeLessThan(20 * MIB);
    await proxy.mend();
    await told().toMatch(/^Uploaded/);
    expect(sha256(readFileSync(join(home, "large")))).toBe(sha256(bytes));
    expect(readdirSync(home)).toEqual(["large"]);
  });

  it("that is cancelled leaves nothing, and may be begun again", async () => {
    await upload([put("large", randomBytes(48 * MIB))]);
    await expect.poll(partBytes, { interval: 5 }).toBeGreaterThan(MIB);
    await row().getByRole("button", { name: "Cancel" }).click();
    await told().toBe("Cancelled");
    await expect.poll(() => readdirSync(home)).toEqual([]);
    await expect
      .poll(async () => (await listSessionsOver(server.grpcAddress, server.adminToken)).map(({ id }) => id))
      .toEqual(["main"]);
    await row().getByRole("button", { name: "Try again" }).click();
    await told().toMatch(/^Uploaded/);
    await row().getByRole("button", { name: "Dismiss" }).click();
    expect(await under.pane().locator(".transfers").isVisible()).toBe(false);
  });

  it("whose session is ended from elsewhere goes on where it was when it is tried again", async () => {
    const bytes = randomBytes(48 * MIB);
    await upload([put("large", bytes)]);
    await expect.poll(partBytes, { interval: 5 }).toBeGreaterThan(2 * MIB);
    const sessions = await listSessionsOver(server.grpcAddress, server.adminToken);
    const sessionId = sessions.find(({ id }) => id.startsWith("exec-"))?.id ?? "";
    await call(server.sessions, "terminateSession", { agentId, sessionId }, server.adminToken);
    await told().toBe("The agent has ended it: stopped.");
    const there = partBytes();
    expect(there).toBeGreaterThan(2 * MIB);
    await row().getByRole("button", { name: "Try again" }).click();
    const shown = row().locator("progress:visible");
    await shown.waitFor();
    expect(Number(await shown.getAttribute("value"))).toBeGreaterThanOrEqual(there);
    await told().toMatch(/^Uploaded/);
    expect(sha256(readFileSync(join(home, "large")))).toBe(sha256(bytes));
  });
});

describe("a locked agent", () => {
  let mfa: MfaServiceClient;
  let codes: string[];

  beforeAll(async () => {
    mfa = new MfaServiceClient(server.grpcAddress, credentials.createInsecure());
    const enrolled = await call(mfa, "enroll", {}, server.adminToken);
    const { otpauthUrl, recoveryCodes } = enrolled as { otpauthUrl: string; recoveryCodes: string[] };
    codes = recoveryCodes;
    const code = authenticatorOf(otpauthUrl).code(Date.now());
    await call(mfa, "confirmEnrollment", { code }, server.adminToken);
  });
  afterAll(() => mfa?.close());

  async function enterCode(): Promise<void> {
    await under.page.getByLabel("Code of your second factor").fill(codes.pop() ?? "");
    await under.page.keyboard.press("Enter");
  }

  it("gets its files when it has been opened by the terminal's code", async () => {
    const bytes = randomBytes(48 * MIB);
    await upload([put("large", bytes), put("second", "second"), put("third", "third")]);
    await expect.poll(partBytes, { interval: 5 }).toBeGreaterThan(MIB);
    await call(mfa, "lockAgent", { agentId }, server.adminToken);
    await told().toBe("The agent is locked: it goes on when you have entered your code.");
    expect(readdirSync(home)).not.toContain("large");
    await enterCode();
    for (const index of [0, 1, 2]) await told(index).toMatch(/^Uploaded/);
    expect(sha256(readFileSync(join(home, "large")))).toBe(sha256(bytes));
    await under.shows(/^[#$]/m);
  });

  it("asks for a code where there is no terminal that asks", async () => {
    await under.page.keyboard.type("exit\n");
    await button("Open anew").waitFor();
    await call(mfa, "lockAgent", { agentId }, server.adminToken);
    await upload([put("x", "x"), put("y", "y")]);
    await enterCode();
    for (const index of [0, 1]) await told(index).toMatch(/^Uploaded/);
    expect(readdirSync(home).toSorted()).toEqual(["x", "y"]);
    await button("Open anew").waitFor();
  });

  it("asks for a code before it shows a folder", async () => {
    await under.page.keyboard.type("exit\n");
    await button("Open anew").waitFor();
    await call(mfa, "lockAgent", { agentId }, server.adminToken);
    await choose("Download…");
    await look("");
    await enterCode();
    await button("Open anew").waitFor();
    await choose("Download…");
    await look("");
    await expect.poll(() => dialog().locator(".folder li").allInnerTexts()).toEqual(["../"]);
  });
});

describe("a download", () => {
  it("is asked for by its path, and is the same", async () => {
    const bytes = randomBytes(6 * MIB + 1);
    writeFileSync(join(home, "a file.bin"), bytes);
    const saved = under.page.waitForEvent("download");
    await choose("Download…");
    await look("a file.bin");
    const download = await saved;
    expect(download.suggestedFilename()).toBe("a file.bin");
    expect(sha256(readFileSync(await download.path()))).toBe(sha256(bytes));
    await told().toBe("Downloaded");
    expect(await dialog().count()).toBe(0);
  });

  it("is chosen in the list of a folder, several at once", async () => {
    mkdirSync(join(home, "logs", "old"), { recursive: true });
    for (const each of ["b.log", "a.log", "c.log"]) writeFileSync(join(home, "logs", each), each);
    const saved: Promise<string>[] = [];
    under.page.on("download", (download) => {
      saved.push(download.path().then((path) => `${download.suggestedFilename()}: ${readFileSync(path, "utf8")}`));
    });
    await choose("Download…");
    await look("");
    await button("logs/").click();
    await expect
      .poll(() => dialog().locator(".folder li").allInnerTexts())
      .toMatchObject([
        "../",
        "old/",
        expect.stringContaining("a.log") as string,
        expect.stringContaining("b.log") as string,
        expect.stringContaining("c.log") as string,
      ]);
    expect(await button("Download 0 files").isDisabled()).toBe(true);
    await dialog().getByLabel("a.log").check();
    await dialog().getByLabel("c.log").check();
    await button("Download 2 files").click();
    for (const index of [0, 1]) await told(index).toBe("Downloaded");
    expect((await Promise.all(saved)).toSorted()).toEqual(["a.log: a.log", "c.log: c.log"]);
  });

  it("of 20 MiB goes on where it was when the connection is cut, and is the same", async () => {
    const bytes = randomBytes(20 * MIB);
    writeFileSync(join(home, "large"), bytes);
    const saved = under.page.waitForEvent("download");
    await choose("Download…");
    await look("large");
    await expect
      .poll(() => row().locator("progress").getAttribute("value").then(Number), { interval: 5 })
      .toBeGreaterThan(MIB);
    await proxy.cut();
    await told().toBe("Connection lost. It goes on when it is back.");
    await proxy.mend();
    expect(sha256(readFileSync(await (await saved).path()))).toBe(sha256(bytes));
  });

  it("of more than a browser holds is refused, and the way to it is told", async () => {
    writeFileSync(join(home, "huge"), "");
    truncateSync(join(home, "huge"), 2 ** 30 + 1);
    await choose("Download…");
    await look("huge");
    await told().toBe("It has more than 1 GiB. The command line takes it: rexec cp AGENT:PATH .");
  });

  it("is refused in words: what is not there, what is outside, what is no file", async () => {
    symlinkSync("/etc", join(home, "out"));
    await choose("Download…");
    const alert = () => expect.poll(() => dialog().getByRole("alert").innerText());
    await look("none");
    await alert().toBe("File not found.");
    await look("/etc/passwd");
    await alert().toBe("Path outside what the agent gives access to.");
    await look("out/passwd");
    await alert().toBe("Path outside what the agent gives access to.");
    expect(await row().count()).toBe(0);
  });
});

it("who only watches is offered neither, and nothing that is dropped there leaves the page", async () => {
  await under
    .agent(name)
    .getByRole("button", { name: /^Watch/ })
    .click();
  await expect.poll(() => under.pane(1).locator(".pane-session").innerText()).toBe("main, watching");
  expect(await under.pane(1).getByText("Files", { exact: true }).isVisible()).toBe(false);
  const dataTransfer = await held("dropped.bin", 10);
  const stage = under.pane(1).locator(".pane-stage");
  await stage.dispatchEvent("dragenter", { dataTransfer });
  expect(await under.pane(1).locator(".drop-zone").isVisible()).toBe(false);
  // The page has said no: without that a browser would show the file in its place.
  await under.page.evaluate('addEventListener("drop", (event) => { window.isRefused = event.defaultPrevented; })');
  await stage.dispatchEvent("drop", { dataTransfer });
  expect(await under.page.evaluate("window.isRefused")).toBe(true);
  expect(await dialog().count()).toBe(0);
});
