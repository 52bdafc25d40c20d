// Where the cursor is while rows come, go and move; and when they may move.

import { describe, expect, it } from "vitest";
import { AgentStatus } from "../../gen/rexec/agent/v1/agent_service.ts";
import { agent, agents, liveState, NOW_MS } from "../../../test/support/tui-state.ts";
import { press, shown, tick } from "../../../test/support/tui-keys.ts";
import type { FeedChanges } from "./feed-messages.ts";
import { listSummary } from "../screens/list.ts";
import type { AdminState } from "./model.ts";
import { update } from "./update.ts";
import { cursorId, viewOf } from "./view.ts";

const named = (id: string, name = id) => agent(id, { name });

function tell(state: AdminState, changes: FeedChanges): AdminState {
  return update(state, { kind: "changes", changes, nowMs: state.nowMs }).state;
}

function after(state: AdminState, input: { upserted?: ReturnType<typeof agent>[]; removed?: string[] }): AdminState {
  const upserted = new Map((input.upserted ?? []).map((those) => [those.id, those]));
  return tell(state, { agents: { upserted, removed: new Set(input.removed), kept: undefined } });
}

/** Longer than an order is held. */
const LET_GO_MS = 3_000;

describe("the cursor of a list", () => {
  const abc = liveState({ agents: agents(named("a"), named("b"), named("c")) });
  const onB = tick(press(abc, "j").state, LET_GO_MS);

  it("stays with its agent when rows come before it", () => {
    const state = after(onB, { upserted: [named("x", "aa")] });
    expect(shown(state)).toEqual(["a", "x", "b", "c"]);
    expect(cursorId(state, "agents")).toBe("b");
  });

  it("stays with its agent when rows move", () => {
    const state = after(onB, { upserted: [named("b", "z")] });
    expect(shown(state)).toEqual(["a", "c", "b"]);
    expect(cursorId(state, "agents")).toBe("b");
  });

  it("goes to the row that takes the place of one that is gone", () => {
    expect(cursorId(after(onB, { removed: ["b"] }), "agents")).toBe("c");
  });

  it("goes to the place where the row was last, not to where it was when a key was pressed", () => {
    const moved = after(onB, { upserted: [named("d"), named("b", "z")] });
    expect(shown(moved)).toEqual(["a", "c", "d", "b"]);
    expect(cursorId(after(moved, { removed: ["b"] }), "agents")).toBe("d");
  });

  it("stands on the last row when rows behind it and itself are gone", () => {
    expect(cursorId(after(onB, { removed: ["b", "c"] }), "agents")).toBe("a");
  });

  it("is nowhere in an empty list, and no key moves it there", () => {
    const empty = after(onB, { removed: ["a", "b", "c"] });
    expect(viewOf(press(empty, "j", "G", "pagedown", "k").state, "agents").index).toBe(-1);
  });

  it("moves by rows, by pages, and to either end, and stops there", () => {
    const many = liveState({
      agents: agents(...Array.from({ length: 40 }, (_, i) => named(String(i).padStart(2, "0")))),
    });
    const at = (...keys: string[]) => cursorId(press(many, ...keys).state, "agents");
    expect([at("k"), at("j", "down", "ctrl+n"), at("j", "k"), at("G"), at("G", "j"), at("end", "home")]).toEqual([
      "00",
      "03",
      "00",
      "39",
      "39",
      "00",
    ]);
    // 24 lines: one is left free, five are head and foot, one is the list's header.
    expect([at("pagedown"), at("ctrl+d", "ctrl+f"), at("G", "pageup")]).toEqual(["17", "34", "22"]);
  });

  it("is each list's own", () => {
    const state = press(onB, "2", "j", "1").state;
    expect(cursorId(state, "agents")).toBe("b");
  });
});

describe("the order of a list", () => {
  const abc = liveState({ agents: agents(named("a"), named("b"), named("c")) });
  const pressed = press(abc, "j").state;
  const changed = after(pressed, { upserted: [named("c", "0"), named("x", "1")] });

  it("is held for three seconds after a key", () => {
    expect(shown(changed)).toEqual(["a", "b", "c"]);
    expect(shown(tick(changed, LET_GO_MS - 1))).toEqual(["a", "b", "c"]);
    expect(shown(tick(changed, LET_GO_MS))).toEqual(["c", "x", "a", "b"]);
  });

  it("is held for three seconds after the last of several keys", () => {
    const again = press(tick(changed, 2_000), "k").state;
    expect(shown(tick(again, 2_999))).toEqual(["a", "b", "c"]);
    expect(shown(tick(again, 3_000))).toEqual(["c", "x", "a", "b"]);
  });

  it("says how many rows would come or stand elsewhere, and takes them at once when asked to", () => {
    const added = after(pressed, { upserted: [named("x", "0"), named("y", "z")] });
    expect(viewOf(added, "agents").changes).toBe(2);
    expect(listSummary(added, "agents").at(-1)?.text.trim()).toBe("2 changes, u apply");
    const applied = press(added, "u").state;
    expect(shown(applied)).toEqual(["x", "a", "b", "c", "y"]);
    expect(viewOf(applied, "agents").changes).toBe(0);
  });

  it("lets rows that are gone go at once", () => {
    expect(shown(after(changed, { removed: ["a"] }))).toEqual(["b", "c"]);
  });

  it("is held until it is let go, when the operator says so", () => {
    const held = press(abc, "h").state;
    const later = tick(after(held, { upserted: [named("x", "0")] }), 3_600_000);
    expect(shown(later)).toEqual(["a", "b", "c"]);
    expect(listSummary(later, "agents")[0]?.text).toContain("hold:on");
    expect(shown(press(later, "h").state)).toEqual(["x", "a", "b", "c"]);
  });

  it("stays held for good when another key is pressed meanwhile", () => {
    const held = press(abc, "h", "j").state;
    expect(shown(tick(after(held, { upserted: [named("x", "0")] }), 60_000))).toEqual(["a", "b", "c"]);
  });
});

describe("sorting", () => {
  const measuredAt = new Date(NOW_MS);
  const busy = (id: string, cpuPercent?: number) => agent(id, { stats: { measuredAt, cpuPercent } });
  const state = liveState({ agents: agents(busy("a", 20), busy("b"), busy("c", 90), busy("d", Number.NaN)) });
  const byCpu = (descending: boolean): AdminState => ({
    ...state,
    lists: { ...state.lists, agents: { ...state.lists.agents, sort: { column: "cpu", descending } } },
  });

  it("puts what has no value last, whichever way", () => {
    expect(shown(byCpu(true))).toEqual(["c", "a", "b", "d"]);
    expect(shown(byCpu(false))).toEqual(["a", "c", "b", "d"]);
  });

  it("goes through the columns, the biggest first where they are figures, and turns round", () => {
    const { sort } = press(state, "o").state.lists.agents;
    expect(sort).toEqual({ column: "status", descending: false });
    const cpu = press(state, "o", "o", "o", "o").state;
    expect(cpu.lists.agents.sort).toEqual({ column: "cpu", descending: true });
    expect(shown(press(cpu, "O").state)).toEqual(["a", "c", "b", "d"]);
  });

  it("does not mind the case of names", () => {
    expect(shown(liveState({ agents: agents(named("1", "beta"), named("2", "Alpha"), named("3", "Gamma")) }))).toEqual([
      "2",
      "1",
      "3",
    ]);
  });

  it("puts agents in the order of how well they are", () => {
    const { AGENT_STATUS_OFFLINE, AGENT_STATUS_SUSPECT, AGENT_STATUS_REGISTERED } = AgentStatus;
    const mixed = liveState({
      agents: agents(
        agent("new", { status: AGENT_STATUS_REGISTERED }),
        agent("off", { status: AGENT_STATUS_OFFLINE }),
        agent("on"),
        agent("stale", { status: AGENT_STATUS_SUSPECT }),
      ),
    });
    expect(shown(press(mixed, "o").state)).toEqual(["on", "stale", "off", "new"]);
  });
});
