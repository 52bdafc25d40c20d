// What the server tells, in rows; and events among them.

import { describe, expect, it } from "vitest";
import { press, shown } from "../../../test/support/tui-keys.ts";
import { agent, agents, event, limits, liveState, NOW_MS, snapshot } from "../../../test/support/tui-state.ts";
import type { FeedChanges } from "./feed-messages.ts";
import { type AdminState, MAX_EVENTS } from "./model.ts";
import { update } from "./update.ts";
import { cursorId } from "./view.ts";

function tell(state: AdminState, changes: FeedChanges): AdminState {
  return update(state, { kind: "changes", changes, nowMs: state.nowMs }).state;
}

const happened = (...sequences: number[]) => sequences.map((sequence) => event(sequence, "agent.connected"));

describe("rows", () => {
  it("that a snapshot does not name are gone at its end, and not before", () => {
    const state = liveState({ agents: agents(agent("a"), agent("b")) });
    const partly = tell(state, {
      agents: { upserted: new Map([["c", agent("c")]]), removed: new Set(), kept: undefined },
    });
    expect(shown(partly)).toEqual(["a", "b", "c"]);
    const wholly = tell(partly, { agents: { upserted: new Map(), removed: new Set(), kept: new Set(["b", "c"]) } });
    expect(shown(wholly)).toEqual(["b", "c"]);
  });

  it("of what has not changed are the same ones", () => {
    const state = liveState({ agents: agents(agent("a")) });
    expect(tell(state, { events: happened(1) }).agents).toBe(state.agents);
  });

  it("are found by ids that strangers have made up", () => {
    const state = liveState({ limits: snapshot([limits("eve\u001b[31m")], ({ userId }) => userId) });
    const there = press(state, "3").state;
    expect(there.limits.get(shown(there)[0] ?? "")).toBeDefined();
    const gone = { upserted: new Map(), removed: new Set(["eve\u001b[31m"]), kept: undefined };
    expect(tell(there, { limits: gone }).limits.size).toBe(0);
  });

  it("take reports of agents that are there, and no others", () => {
    const stats = new Map([
      ["a", { measuredAt: new Date(NOW_MS), cpuPercent: 50 }],
      ["x", { measuredAt: new Date(NOW_MS), cpuPercent: 50 }],
    ]);
    const state = tell(liveState({ agents: agents(agent("a")) }), { stats });
    expect([state.agents.get("a")?.load?.cpu, state.agents.size]).toEqual([50, 1]);
  });
});

describe("events", () => {
  const state = press(liveState({ events: happened(5, 6) }), "4").state;

  it("stand in their order, each once, whenever they are told", () => {
    const more = tell(state, { events: happened(8, 6, 7, 3) });
    expect(shown(more)).toEqual(["3", "5", "6", "7", "8"]);
  });

  it("say in a row of its own that some are missing, once", () => {
    const more = tell(tell(state, { events: ["gap", "gap"] }), { events: ["gap", ...happened(9)] });
    expect(shown(more)).toEqual(["5", "6", "gap-6", "9"]);
    expect(more.events[2]).toMatchObject({ kind: "gap", type: "events missing" });
    expect(shown(press(more, "O").state)).toEqual(["9", "gap-6", "6", "5"]);
  });

  it("are no gap where nothing was known before", () => {
    expect(liveState({ events: ["gap", ...happened(9)] }).events).toHaveLength(1);
  });

  it("are bounded: the oldest go", () => {
    const many = tell(state, { events: happened(...Array.from({ length: MAX_EVENTS }, (_, i) => i + 10)) });
    expect([many.events.length, many.events[0]?.sequence]).toEqual([MAX_EVENTS, 10]);
  });

  it("move the cursor along, until the operator goes to one of them", () => {
    const following = tell(state, { events: happened(7) });
    expect(cursorId(following, "events")).toBe("7");
    const staying = tell(press(following, "k").state, { events: happened(8) });
    expect(cursorId(staying, "events")).toBe("6");
    const again = tell(press(staying, "f").state, { events: happened(9) });
    expect(cursorId(again, "events")).toBe("9");
    expect(cursorId(tell(press(staying, "G").state, { events: happened(10) }), "events")).toBe("10");
  });

  it("do not come in while they are paused, and all come when they are not", () => {
    for (const key of ["p", "space"]) {
      const paused = tell(press(state, key).state, { events: ["gap", ...happened(7)] });
      expect(shown(paused)).toEqual(["5", "6"]);
      expect(shown(press(paused, key).state)).toEqual(["5", "6", "gap-6", "7"]);
      expect(shown(press(paused, "f").state)).toEqual(["5", "6", "gap-6", "7"]);
    }
  });
});
