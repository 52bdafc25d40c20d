// Whole screens, as they stand in a terminal.

import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sampleState } from "../../../test/support/tui-sample.ts";
import { startTuiScreen, type TuiScreen } from "../../../test/support/tui-screen.tsx";
import { emptyState, liveState, NOW_MS } from "../../../test/support/tui-state.ts";
import { press } from "../../../test/support/tui-keys.ts";
import { type AdminState, FEEDS, type FeedState } from "../state/model.ts";
import { update } from "../state/update.ts";

// Ink and React are loaded by the first: a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

let screen: TuiScreen | undefined;

afterEach(() => screen?.close());

async function drawn(state: AdminState, keys = ""): Promise<string[]> {
  screen = await startTuiScreen(state);
  if (keys !== "") await screen.type(keys);
  return screen.lines();
}

/** `expected/NAME.txt`: all lines but the last, which is left free. */
async function expected(name: string): Promise<string[]> {
  const text = await readFile(new URL(`expected/${name}.txt`, import.meta.url), "utf8");
  return [...text.replace(/\n$/, "").split("\n"), ""];
}

const WIDE = { cols: 160, rows: 50 };

describe("at 80x24", () => {
  it.each([
    ["agents", ""],
    ["sessions", "2"],
    ["limits", "3"],
    ["events", "4"],
    ["instances", "5"],
    ["tokens", "6"],
    ["details", "G\r"],
    ["help", "?"],
    ["palette", ":de"],
    ["actions", "x"],
    ["confirm", "jD"],
    ["confirm-typed", "GDprod"],
    ["form", "6n\t\t"],
    ["filter", "/edge"],
  ])("%s", async (name, keys) => {
    expect(await drawn(sampleState(), keys)).toEqual(await expected(name));
  });

  it("agents whose connection is lost: they stay, and the banner says how old they are", async () => {
    const state = withFeeds(sampleState(), LOST);
    expect(await drawn(update(state, { kind: "tick", nowMs: NOW_MS + 12_000 }).state)).toEqual(await expected("lost"));
  });

  it("a server that will not have us: what it says, and what to do", async () => {
    expect(await drawn(withFeeds(emptyState(), REFUSED))).toEqual(await expected("refused"));
  });
});

describe("at 160x50", () => {
  it("the agents have details at their right and events below", async () => {
    expect(await drawn({ ...sampleState(), size: WIDE }, "G")).toEqual(await expected("agents-wide"));
  });

  it("follows a window that changes its size", async () => {
    await drawn(sampleState(), "G");
    await screen?.resize(WIDE);
    expect(await screen?.lines()).toEqual(await expected("agents-wide"));
    await screen?.resize({ cols: 80, rows: 24 });
    expect((await screen?.lines())?.slice(0, 7)).toEqual((await drawn(sampleState(), "G")).slice(0, 7));
  });

  it("asks for a larger window on one line below 60x12, and is back with it", async () => {
    await drawn(sampleState());
    await screen?.resize({ cols: 59, rows: 24 });
    const small = await screen?.lines();
    expect(small?.filter((line) => line !== "")).toEqual(["rexec needs a window of 60x12; q quits"]);
    await screen?.resize({ cols: 80, rows: 24 });
    expect(await screen?.lines()).toEqual(await expected("agents"));
  });
});

const failure = {
  reason: "UNREACHABLE",
  message: "no server answers",
  why: "connection refused",
  hint: "rexec doctor",
};
const LOST: FeedState = {
  kind: "lost",
  failure,
  sinceMs: NOW_MS,
  retryAtMs: NOW_MS + 16_000,
  isComplete: true,
};
const REFUSED: FeedState = {
  kind: "refused",
  failure: { reason: "TOKEN_INVALID", message: "this token has ended", hint: "rexec login" },
};

function withFeeds(state: AdminState, feed: FeedState): AdminState {
  return FEEDS.reduce(
    (so, name) => update(so, { kind: "feed", feed: name, state: feed, nowMs: so.nowMs }).state,
    state,
  );
}

const LISTS = [
  ["agents", "", ["no agents yet", "`rexec agent enroll --run` on a machine adds it"]],
  ["sessions", "2", ["no sessions", "s on an agent opens a shell"]],
  ["limits", "3", ["no users"]],
  ["events", "4", ["nothing has happened since this was opened"]],
  ["instances", "5", ["no instances"]],
  ["tokens", "6", ["no tokens", "n makes one"]],
] as const;

/** What stands below the list's header. */
async function said(state: AdminState, keys: string): Promise<string[]> {
  const lines = await drawn(state, keys);
  const header = lines.findIndex((line) => /(NAME|SESSION|USER|TIME|HEALTH)\b/.test(line));
  return lines
    .slice(header + 1, 21)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

describe.each(LISTS)("the list of %s", (_name, keys, empty) => {
  it("says what to do where there is nothing", async () => {
    const state = update(liveState({}), { kind: "tokens", tokens: [] }).state;
    expect(await said(state, keys)).toEqual(empty);
  });

  it("says that it is loading", async () => {
    const state = update(emptyState(), { kind: "tick", nowMs: NOW_MS + 400 }).state;
    expect(await said(state, keys)).toEqual([expect.stringMatching(/^[|/\\-] loading$/)]);
  });

  it("says that nothing matches a filter, and how to drop it", async () => {
    const [first = ""] = await said(press(sampleState()).state, `${keys}/zzz`);
    expect(first).toBe("nothing matches zzz");
  });
});

describe("a list whose feed does not come", () => {
  const fed = LISTS.filter(([name]) => name !== "tokens");

  it.each(fed)("of %s says that it is not connected, and why", async (_name, keys) => {
    expect(await said(withFeeds(emptyState(), LOST), keys)).toEqual([
      "not connected",
      "no server answers: connection refused",
      "try: rexec doctor",
    ]);
  });

  it.each(["sessions", "limits", "events", "instances"] as const)("of %s says that it is refused", async (feed) => {
    const state = update(liveState({}), { kind: "feed", feed, state: REFUSED, nowMs: NOW_MS }).state;
    expect(await said({ ...state, screen: feed }, "")).toEqual(["this token has ended", "try: rexec login"]);
  });
});

describe("the first frame", () => {
  it("is there at once, without a spinner; that comes after 200 ms", async () => {
    const [first] = await drawn(emptyState());
    expect(first).not.toContain("connecting");
    const [later] = await drawn(update(emptyState(), { kind: "tick", nowMs: NOW_MS + 200 }).state);
    expect(later).toContain("connecting");
  });

  it("shows a call that takes its time, and how far it is", async () => {
    const pending = { label: "deleting", done: 3, total: 9, sinceMs: NOW_MS };
    const state = update(sampleState(), { kind: "pending", pending }).state;
    expect((await drawn(state))[21]).toBe("");
    expect((await drawn(update(state, { kind: "tick", nowMs: NOW_MS + 200 }).state))[21]).toMatch(/deleting 3\/9/);
  });
});
