// Terminals on the page: typed into, split, resized, watched, ended and opened anew.
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { listSessionsOver, startTestServer, type TestServer } from "../support/test-server.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { closeBrowser, openPage, type PageUnderTest } from "./page-under-test.ts";

const PROGRAM = fileURLToPath(new URL("../support/full-screen-program.js", import.meta.url));
/** Larger than a viewer's window, so that it can only arrive where what is drawn is acknowledged. */
const LINES = 200_000;

let server: TestServer;
let agent: RunningAgent;
let under: PageUnderTest;
let boxes = 0;

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(async () => {
  const name = `box-${++boxes}`;
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
  await server?.close();
});

const type = (text: string) => under.page.keyboard.type(text);
const press = (keys: string) => under.page.keyboard.press(keys);
const panes = () => under.page.locator(".pane").count();
const sizeOf = (index = 0) => under.pane(index).locator(".pane-size").innerText();
/** What the shell itself says, once it is what the page says. */
async function sizesAgree(index = 0): Promise<string> {
  await expect
    .poll(async () => {
      await type("stty size\n");
      const [cols, rows] = (await sizeOf(index)).split("×");
      return (await under.lines(index)).includes(`${rows} ${cols}`);
    })
    .toBe(true);
  return sizeOf(index);
}

/** Whether the program of the tests fills the grid, as large as the page says that it is. */
async function isDrawnFull(): Promise<boolean> {
  const [cols, rows] = (await sizeOf()).split("×").map(Number) as [number, number];
  // In a row of the alternate screen xterm.js keeps what a wider one held, and hides it.
  const shown = (await under.lines()).map((line) => line.slice(0, cols));
  const drawn = (row: number) => `line ${row} of ${cols}x${rows} `.padEnd(cols, "#");
  return shown.length === rows && shown.every((line, row) => line === drawn(row));
}

describe("a terminal", () => {
  it("takes what is typed and pasted, and draws all of the output, colours and whole characters", async () => {
    await type(
      "printf '\\033[48;2;1;2;3mtr''ue\\033[0m \\342\\200'; sleep 0.2; printf '\\224 \\303\\274n\\303\\257\\n'\n",
    );
    await under.shows(/^true — ünï$/m);
    await under.page.evaluate(
      `(() => {
        const data = new DataTransfer();
        data.setData("text/plain", "echo pas''ted");
        document.querySelector(".pane textarea").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
      })()`,
    );
    await press("Enter");
    await under.shows(/^pasted$/m);
    await type(`seq 1 ${LINES}; echo do''ne\n`);
    await under.shows(new RegExp(`^${LINES}\ndone$`, "m"));
  });

  it("draws a full-screen program as it is, and again after the window has changed", async () => {
    await type(`'${process.execPath}' '${PROGRAM}'\n`);
    await expect.poll(isDrawnFull).toBe(true);
    const before = await sizeOf();
    await under.page.setViewportSize({ width: 900, height: 500 });
    await expect.poll(() => sizeOf()).not.toBe(before);
    await expect.poll(isDrawnFull).toBe(true);
    await type("q");
    await under.shows(/^[#$]$/m);
  });

  it("tells the shell its size, also when the window changes", async () => {
    const before = await sizesAgree();
    await under.page.setViewportSize({ width: 1000, height: 600 });
    await expect.poll(() => sizeOf()).not.toBe(before);
    await sizesAgree();
  });

  it("says how its shell ended, and opens another", async () => {
    await type("exit 3\n");
    await expect.poll(() => under.pane().locator(".pane-end").innerText()).toMatch(/exit code 3/);
    await press("Enter");
    await under.shows(/^[#$]$/m);
    await type("echo a''new\n");
    await under.shows(/^anew$/m);
  });
});

describe("views", () => {
  it("show a shell of their own beside and below, and the shared one again", async () => {
    await type("echo sha''red\n");
    await press("Alt+Shift+Equal");
    await under.shows(/^[#$]$/m, 1);
    await type("echo be''side\n");
    await under.shows(/^beside$/m, 1);
    await under.pane(1).getByText("Split").click();
    await under.page.getByRole("button", { name: "Shared main below" }).click();
    await under.shows(/^shared$/m, 2);
    expect((await under.lines(0)).join("\n")).not.toContain("beside");
    const sessions = await listSessionsOver(server.grpcAddress, server.adminToken);
    expect(sessions).toHaveLength(2);
  });

  it("take the focus by click and by key, give their place up when they close, and fill it", async () => {
    const whole = await sizesAgree();
    await press("Alt+Shift+Equal");
    await under.shows(/^[#$]$/m, 1);
    await expect.poll(() => sizeOf(0)).not.toBe(whole);
    await press("Alt+Shift+ArrowLeft");
    await type("echo fir''st\n");
    await under.shows(/^first$/m, 0);
    await under.pane(1).locator(".xterm-screen").click();
    await type("echo sec''ond\n");
    await under.shows(/^second$/m, 1);
    await press("Alt+Shift+KeyX");
    await expect.poll(panes).toBe(1);
    await expect.poll(() => sizeOf(0)).toBe(whole);
    await type("echo sti''ll\n");
    await under.shows(/^still$/m, 0);
  });

  it("are made larger and smaller by the line between them, with a pointer and with keys", async () => {
    await press("Alt+Shift+Minus");
    await under.shows(/^[#$]$/m, 1);
    const before = await sizesAgree(1);
    const line = under.page.getByRole("separator");
    const box = await line.boundingBox();
    if (box === null) throw new Error("no line between the views");
    await under.page.mouse.move(box.x + 50, box.y + 3);
    await under.page.mouse.down();
    await under.page.mouse.move(box.x + 50, box.y - 150);
    await under.page.mouse.up();
    await expect.poll(() => sizeOf(1)).not.toBe(before);
    const dragged = await sizeOf(1);
    await line.focus();
    await press("ArrowDown");
    await press("ArrowDown");
    await expect.poll(() => sizeOf(1)).not.toBe(dragged);
    await under.pane(1).locator(".xterm-screen").click();
    await sizesAgree(1);
  });

  it("only watch where that is asked for: nothing that is typed there arrives", async () => {
    await under
      .agent(`box-${boxes}`)
      .getByRole("button", { name: /^Watch/ })
      .click();
    await expect.poll(() => under.pane(1).locator(".pane-session").innerText()).toBe("main, watching");
    await type("echo for''bidden\n");
    await under.pane(0).locator(".xterm-screen").click();
    await type("echo allow''ed\n");
    await under.shows(/^allowed$/m, 1);
    expect((await under.lines(1)).join("\n")).not.toContain("bidden");
  });

  it("keep the size of the window that was typed in last, and say so", async () => {
    const other = await openPage(server.httpUrl, { viewport: { width: 800, height: 500 } });
    await other.logIn(server.adminToken);
    await other.open(`box-${boxes}`);
    await other.page.keyboard.type("echo m''ine\n");
    await other.shows(/^mine$/m);
    const theirs = await other.pane().locator(".pane-size").innerText();
    await expect.poll(() => sizeOf()).toBe(theirs);
    expect(await under.pane().locator(".pane-size.foreign").count()).toBe(1);
    expect(await under.lines()).toEqual(await other.lines());
    await under.pane().locator(".xterm-screen").click();
    await type("\n");
    await expect.poll(() => sizeOf()).not.toBe(theirs);
    await other.close();
  });
});
