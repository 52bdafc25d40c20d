// The page in a real browser, before a real server: what a person does with it and sees of it, and all that it asks of anybody.

import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { launchChromium } from "../support/chromium.ts";

export interface PageUnderTest {
  page: Page;
  /** Every address that was asked for anything, WebSockets among them. */
  asked: string[];
  /** What the browser complains of, but for answers that are no success. */
  complaints: string[];
  logIn(token: string): Promise<void>;
  agent(name: string): Locator;
  /** Opens the shared shell of this agent and waits for its prompt. */
  open(name: string): Promise<void>;
  pane(index?: number): Locator;
  /** The lines that a terminal shows, without blanks at their ends. */
  lines(index?: number): Promise<string[]>;
  /** Waits until a terminal's text matches. */
  shows(text: RegExp, index?: number): Promise<void>;
  banner(index?: number): Promise<string>;
  close(): Promise<void>;
}

let browser: Promise<Browser> | undefined;

/** One for all tests of a file; each page has a profile of its own. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<PageUnderTest> {
  browser ??= launchChromium();
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  context.on("request", (request) => asked.push(request.url()));
  page.on("websocket", (socket) => asked.push(socket.url()));
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    const text = message.text();
    const isAnswer = /^Failed to load resource|^WebSocket connection to /.test(text);
    if (["error", "warning"].includes(message.type()) && !isAnswer) complaints.push(text);
  });
  await page.addInitScript(
    'document.addEventListener("securitypolicyviolation", (event) => console.error(`${event.effectiveDirective} ${event.blockedURI}`))',
  );
  await page.goto(url);

  const pane = (index = 0) => page.locator(".pane").nth(index);
  const lines = async (index = 0) => {
    const rows = await pane(index).locator(".xterm-rows > div").allInnerTexts();
    return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd());
  };
  const under: PageUnderTest = {
    page,
    asked,
    complaints,
    async logIn(token) {
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("navigation", { name: "Agents" }).waitFor();
    },
    agent: (name) => page.locator(".agent").filter({ hasText: name }),
    async open(name) {
      await under.agent(name).locator(".agent-open").click();
      await under.shows(/^[#$] $|^[#$]$/m);
    },
    pane,
    lines,
    shows: async (text, index) => {
      await expect.poll(async () => (await lines(index)).join("\n")).toMatch(text);
    },
    async banner(index = 0) {
      const banner = pane(index).locator(".pane-banner");
      return (await banner.isVisible()) ? banner.innerText() : "";
    },
    close: () => context.close(),
  };
  return under;
}
