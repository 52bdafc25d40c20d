// Names and statistics of strangers draw text, and nothing else.

import { afterEach, describe, expect, it, vi } from "vitest";
import { press } from "../../../test/support/tui-keys.ts";
import { startTuiScreen, type TuiScreen } from "../../../test/support/tui-screen.tsx";
import {
  ADMIN,
  agent,
  agents,
  event,
  instance,
  limits,
  liveState,
  NOW_MS,
  session,
  sessions,
  snapshot,
} from "../../../test/support/tui-state.ts";
import { failureOf } from "../api/control-plane.ts";
import { type AdminState, FEEDS } from "../state/model.ts";
import { planRow, tokenRow, userRow } from "../state/other-rows.ts";
import { update } from "../state/update.ts";
import { drawFrame } from "./frame.ts";

// Some dozens of frames each: a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const SEQUENCES = [
  "\x1b[31;42mred",
  "\x1b]52;c;cHduZWQ=\x07",
  "\x1b]8;;http://evil.example\x1b\\link",
  "\x1b]0;title\x07",
  "\x1bc\x1b[6n\x1b[5;5H\x1b[?47h",
  "\x9b31m\x9d0;c1\x9c\x90q\x9c",
  "two\r\nlines\x0b\x0c\x85\u2028",
  "nul\x00\x07\x08\x08\x08del\x7f",
  "\u202eesrever\u2066\u200f\u061c",
].join(" ");
const WIDE = "日本語名前 e\u0301a\u0300\u0301\u0302\u0303\u0304 \u{feff}\u{200d}x\u{200b}y\u{fe0f}z\u{ad}";
const LONG = "x".repeat(10_000);
const MARKS = `a${"\u0301".repeat(10_000)}`;

/** Everything that has a text has this one. */
function stateOf(text: string, isAscii = false): AdminState {
  const systemInfo = {
    hostname: text,
    os: text,
    arch: text,
    distro: text,
    cpuCount: Number.NaN,
    memoryTotalBytes: 1e300,
    diskTotalBytes: Number.POSITIVE_INFINITY,
    region: text,
    virtualization: text,
  } as never;
  const stats = { measuredAt: new Date(NOW_MS), cpuPercent: 1e300, memoryUsedBytes: -1, memoryTotalBytes: Number.NaN };
  const own = { name: text, description: text, distro: text, arch: text, shell: text, version: text };
  let state = liveState(
    {
      agents: agents(
        agent("a1", { ...own, tags: [text, text], systemInfo, stats, instanceId: text, userId: text, mfaLocked: true }),
        agent("a2", { name: `b${text}` }),
      ),
      sessions: sessions(
        session("a1", text, {
          userId: text,
          outputOffset: 1e300,
          viewers: [{ userId: text, protocol: text, instanceId: text, readOnly: false, joinedAt: undefined } as never],
        }),
      ),
      limits: snapshot([limits(text, { plan: text, agentsUsed: 1e15, agentsLimit: 1e15 })], ({ userId }) => userId),
      events: [event(1, text, { subject: `agent:${text}`, actor: text, detail: { [text]: text } })],
      instances: snapshot([instance(text, { version: text, busLagMs: Number.NaN })], ({ id }) => id),
    },
    {
      looks: { hasColor: false, isAscii },
      me: { ...ADMIN, userId: "me", name: text, contextName: text, servers: text },
    },
  );
  const user = { id: text, username: text, email: text, plan: text, admin: false } as never;
  state = update(state, { kind: "users", users: [userRow(user)] }).state;
  state = update(state, { kind: "plans", plans: [planRow({ name: text } as never)] }).state;
  const token = { id: text, name: text, prefix: text, scopes: [], agentId: "a1", userId: text } as never;
  return update(state, { kind: "tokens", tokens: [tokenRow(token)] }).state;
}

function failing(text: string): AdminState {
  const failure = failureOf(Object.assign(new Error(text), { reason: "NO", why: text, hint: text }));
  const failed = update(stateOf(text), { kind: "failed", doing: "renaming", failure, nowMs: NOW_MS }).state;
  const lost = { kind: "lost", failure, sinceMs: NOW_MS, retryAtMs: NOW_MS, isComplete: false } as const;
  return FEEDS.reduce((state, feed) => update(state, { kind: "feed", feed, state: lost, nowMs: NOW_MS }).state, failed);
}

const KEYS = [
  "2",
  "3",
  "p",
  "\x1b",
  "P",
  "\x1b",
  "4",
  "5",
  "d",
  "\x1b",
  "6",
  "R",
  "\x1b",
  "1",
  "D",
  "\x1b",
  "r",
  "\x1b",
];
const MORE_KEYS = ["L", "\x1b", "s", "\x1b", "\r", "\x1b", "*", "y"];

/** What Ink itself sends: cursor, erasing, styles, modes. */
const INK = /\x1b\[(?:\?(?:25|1049|2004|2026)[hl]|[0-9]*[A-GJK]|[0-9;]*H|(?:0|1|2|4|7|22|24|27)?m)/g;

let screen: TuiScreen | undefined;
afterEach(() => screen?.close());

function textOf(state: AdminState): string[] {
  return drawFrame(state).map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
}

describe.each([
  ["control sequences", SEQUENCES],
  ["wide and combining characters", WIDE],
  ["ten thousand characters", LONG],
  ["ten thousand marks on one letter", MARKS],
  ["ten thousand wide characters", "日".repeat(10_000)],
])("%s in everything that strangers name", (_what, text) => {
  it.each([
    [80, 24],
    [160, 50],
  ])("leave the screen as it was meant, at %ix%i", async (cols, rows) => {
    screen = await startTuiScreen({ ...stateOf(text), size: { cols, rows } });
    for (const key of ["", ...KEYS, ...MORE_KEYS]) {
      if (key !== "") await screen.type(key);
      expect((await screen.lines()).slice(0, -1)).toEqual(textOf(screen.store.state()));
    }
    expect(screen.output().replace(INK, "")).not.toMatch(
      /[^\n\r\P{Cc}]|[\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u,
    );
  });

  it("leave the screen as it was meant where they come in failures", async () => {
    screen = await startTuiScreen(failing(text));
    for (const key of ["", "2", "6", "5"]) {
      if (key !== "") await screen.type(key);
      expect((await screen.lines()).slice(0, -1)).toEqual(textOf(screen.store.state()));
    }
    expect(screen.output().replace(INK, "")).not.toMatch(/[^\n\r\P{Cc}]/u);
  });

  it("are ASCII where that is all there is", () => {
    for (const key of ["1", "2", "3", "4", "5", "6", "enter"])
      for (const line of textOf(press(stateOf(text, true), key).state)) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe("a text that an operator edits", () => {
  it("keeps its caret in sight, on a whole character", async () => {
    screen = await startTuiScreen(stateOf("a"));
    await screen.type(`/${"日".repeat(100)}e\u0301`);
    const { length } = (await screen.lines())[2] ?? "";
    expect(length).toBeLessThanOrEqual(80);
    expect(await screen.lines()).toContainEqual(expect.stringContaining("e\u0301"));
    await screen.type("\x1b[D");
    expect((await screen.lines()).join("\n")).toContain("e\u0301");
  });
});
