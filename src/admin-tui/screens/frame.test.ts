// Whatever the state and the window: no frame is higher or wider than it may be.

import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { displayWidth } from "../../text/columns.ts";
import { letters, press } from "../../../test/support/tui-keys.ts";
import { sampleState } from "../../../test/support/tui-sample.ts";
import { agent, event, NOW_MS, session } from "../../../test/support/tui-state.ts";
import { failureOf } from "../api/control-plane.ts";
import { sessionKey } from "../state/session-row.ts";
import { update } from "../state/update.ts";
import { drawFrame } from "./frame.ts";

// Thousands of frames: a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const KEYS = [
  ...letters("123456jkgGsSwtdrLDpPRnf/*-oOhuex:?yZé日"),
  ...["enter", "escape", "tab", "shift+tab", "down", "up", "left", "right", "pagedown", "space", "backspace"],
];
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 120 }), fc.string({ unit: "grapheme", maxLength: 40 }));

const random = fc
  .record({
    keys: fc.array(fc.constantFrom(...KEYS), { maxLength: 25 }),
    names: fc.array(text, { maxLength: 30 }),
    isAscii: fc.boolean(),
    isLost: fc.boolean(),
  })
  .map(({ keys, names, isAscii, isLost }) => {
    const none = { removed: new Set<string>(), kept: undefined };
    const changes = {
      agents: {
        ...none,
        upserted: new Map(names.map((name, i) => [`n${i}`, agent(`n${i}`, { name, tags: [name], description: name })])),
      },
      sessions: { ...none, upserted: new Map(names.map((name) => [sessionKey("n0", name), session("n0", name)])) },
      events: names.map((name, i) => event(100 + i, name, { subject: name, detail: { [name]: name } })),
    };
    const state = update(sampleState({ looks: { hasColor: false, isAscii } }), {
      kind: "changes",
      changes,
      nowMs: NOW_MS,
    });
    const pressed = press(state.state, ...keys).state;
    if (!isLost) return pressed;
    const failure = failureOf(new Error(names[0]));
    const lost = { kind: "lost", failure, sinceMs: 0, retryAtMs: NOW_MS, isComplete: true } as const;
    return update(pressed, { kind: "feed", feed: "agents", state: lost, nowMs: NOW_MS }).state;
  });

const SIZES = [
  [60, 12],
  [79, 24],
  [80, 24],
  [120, 30],
  [160, 50],
  [250, 80],
] as const;
const size = fc.oneof(
  fc.constantFrom(...SIZES),
  fc.tuple(fc.integer({ min: 1, max: 260 }), fc.integer({ min: 1, max: 90 })),
);

describe("every frame", () => {
  it("has one line less than the window, each exactly as wide as the window", () => {
    fc.assert(
      fc.property(random, size, (state, [cols, rows]) => {
        const lines = drawFrame({ ...state, size: { cols, rows } });
        expect(lines).toHaveLength(rows - 1);
        for (const spans of lines) {
          const line = spans.map((span) => span.text).join("");
          expect([line, displayWidth(line) <= cols]).toEqual([line, true]);
          if (state.looks.isAscii) expect(line).toMatch(/^[\x20-\x7e]*$/);
          else expect(line).not.toMatch(/\p{Cc}/u);
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each(SIZES)("tells which screen is open, at %ix%i", (cols, rows) => {
    for (const [key, name] of [
      ["1", "1 Agents"],
      ["3", "3 Limits"],
      ["6", "6 Tokens"],
    ] as const) {
      const tabs = drawFrame(press({ ...sampleState(), size: { cols, rows } }, key).state)[1];
      expect(tabs?.map((span) => span.text).join("")).toMatch(new RegExp(`\\[${name}[^[]*\\]`));
    }
  });

  it("lets the count of a limit be read, however big it is", () => {
    const state = sampleState();
    const row = { ...state.limits.get("user-eve"), id: "user-eve", agentsUsed: 1_000, agentsLimit: 1_000_000 } as never;
    const drawn = drawFrame({ ...press(state, "3").state, limits: new Map([["user-eve", row]]) });
    expect(drawn.map((spans) => spans.map((span) => span.text).join("")).join("\n")).toContain("1000/1000000");
  });
});
