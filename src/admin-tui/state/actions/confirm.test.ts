// Nothing is destroyed by one key, or by the wrong one.

import { describe, expect, it } from "vitest";
import { AgentStatus } from "../../../gen/rexec/agent/v1/agent_service.ts";
import { InstanceState } from "../../../gen/rexec/instance/v1/instance_service.ts";
import { fill, letters, press, type } from "../../../../test/support/tui-keys.ts";
import { agent, agents, instance, liveState, session, sessions, snapshot } from "../../../../test/support/tui-state.ts";
import { update } from "../update.ts";
import type { AdminState } from "../model.ts";

const OFFLINE = { status: AgentStatus.AGENT_STATUS_OFFLINE };
const state = liveState({
  agents: agents(agent("on-1"), agent("on-2"), agent("z-off", OFFLINE)),
  sessions: sessions(session("on-1"), session("on-1", "s2"), session("on-2")),
  instances: snapshot([instance("i-1"), instance("i-2")], ({ id }) => id),
});
const onOffline = press(state, "G").state;

const deletion = (...ids: string[]) => ids.map((agentId) => ({ kind: "delete-agent", agentId }));

describe("a dialog that asks", () => {
  it("has Cancel preselected: Enter alone does nothing", () => {
    const asked = press(onOffline, "D").state;
    expect(asked.overlay).toMatchObject({ kind: "confirm", title: "Delete z-off?", isYes: false });
    expect(press(asked, "enter")).toMatchObject({ state: { overlay: undefined }, effects: [] });
  });

  it("goes on after the other button was chosen", () => {
    for (const way of ["tab", "right", "shift+tab"]) {
      expect(press(onOffline, "D", way, "enter").effects).toMatchObject([{ changes: deletion("z-off") }]);
    }
    expect(press(onOffline, "D", "right", "left", "enter").effects).toEqual([]);
  });

  it("goes away with Escape, n, q and Ctrl+C, and nothing is left of it", () => {
    for (const key of ["escape", "n", "q", "ctrl+c"]) {
      expect(press(onOffline, "D", "tab", key)).toMatchObject({ state: { overlay: undefined }, effects: [] });
    }
  });

  it("takes no other letter for an answer", () => {
    const asked = press(onOffline, "D").state;
    expect(press(asked, "y", "D", "j", "d", "1", "x")).toEqual({ state: asked, effects: [] });
  });
});

it("asks for the name of an agent that does not answer: it may be back in a moment", () => {
  const stale = agent("gone-quiet", { status: AgentStatus.AGENT_STATUS_SUSPECT });
  const asked = press(liveState({ agents: agents(stale) }), "D").state;
  expect(asked.overlay).toMatchObject({ typed: { expected: "gone-quiet" } });
  expect(asked.overlay).toMatchObject({ lines: expect.arrayContaining(["It is stale."]) as unknown });
});

describe("an agent that is online", () => {
  const asked = press(state, "D").state;

  it("is deleted only after its name was typed", () => {
    expect(asked.overlay).toMatchObject({ typed: { expected: "on-1" } });
    expect(press(asked, "tab", "enter").state.overlay).toMatchObject({ kind: "confirm" });
    expect(press(type(asked, "on-"), "tab", "enter").effects).toEqual([]);
    expect(press(type(asked, "on-2"), "tab", "enter").effects).toEqual([]);
    expect(press(type(asked, "on-1"), "enter").effects).toMatchObject([{ changes: deletion("on-1") }]);
  });

  it("has its name typed letter by letter: q and n are letters there", () => {
    const queen = liveState({ agents: agents(agent("queen")) });
    expect(press(type(press(queen, "D").state, "queen"), "enter").effects).toMatchObject([
      { changes: deletion("queen") },
    ]);
  });

  it("may be Cancelled after its name was typed", () => {
    expect(press(type(asked, "on-1"), "tab", "enter")).toMatchObject({ state: { overlay: undefined }, effects: [] });
  });

  it("is not deleted any more when a letter follows its name", () => {
    expect(press(type(asked, "on-1x"), "enter")).toMatchObject({ state: { overlay: undefined }, effects: [] });
  });

  it("takes its name from a paste", () => {
    const pasted = update(asked, { kind: "paste", text: "on-1\n", nowMs: state.nowMs }).state;
    expect(press(pasted, "enter").effects).toMatchObject([{ changes: deletion("on-1") }]);
  });

  it("can be named with blanks around it, which nobody has to type", () => {
    const odd = liveState({ agents: agents(agent("a1", { name: " odd name " })) });
    expect(press(type(press(odd, "D").state, "odd name"), "enter").effects).toMatchObject([
      { changes: deletion("a1") },
    ]);
  });
});

describe("several at once", () => {
  const marked = press(state, "*").state;

  it("are deleted only after their number was typed", () => {
    const asked = press(marked, "D").state;
    expect(asked.overlay).toMatchObject({
      title: "Delete 3 agents?",
      lines: [expect.anything(), "2 of them are connected."],
    });
    expect(press(type(asked, "2"), "tab", "enter").effects).toEqual([]);
    expect(press(type(asked, "3"), "enter").effects).toEqual([
      {
        kind: "change",
        changes: deletion("on-1", "on-2", "z-off"),
        label: "delete 3 agents",
        done: "deleted 3 agents",
      },
    ]);
  });

  it("are those that are marked, not the one under the cursor", () => {
    const two = press(state, "space", "space", "G", "D").state;
    expect(press(type(two, "2"), "enter").effects).toMatchObject([{ changes: deletion("on-1", "on-2") }]);
  });

  it("are fewer when one of them is gone meanwhile", () => {
    const gone = { upserted: new Map(), removed: new Set(["on-2"]), kept: undefined };
    const fewer = update(marked, { kind: "changes", changes: { agents: gone }, nowMs: state.nowMs }).state;
    expect(press(fewer, "D").state.overlay).toMatchObject({ title: "Delete 2 agents?" });
  });

  it("are none any more after unmarking: the cursor's own is meant again", () => {
    expect(press(marked, "-", "D").state.overlay).toMatchObject({ title: "Delete on-1?" });
    expect(press(state, "space", "k", "space", "G", "D").state.overlay).toMatchObject({ title: "Delete z-off?" });
  });
});

describe("other things that ask first", () => {
  const confirmed = (from: AdminState, key: string, ...more: string[]) => press(from, key, ...more, "enter").effects;

  it("disconnecting an agent", () => {
    expect(press(type(press(state, "d").state, "on-1"), "enter").effects).toMatchObject([
      { changes: [{ kind: "disconnect-agent", agentId: "on-1" }], done: "disconnected on-1" },
    ]);
  });

  it("locking agents, of which those that are locked already are left out", () => {
    expect(confirmed(state, "L", "tab")).toMatchObject([{ changes: [{ kind: "lock-agent", agentId: "on-1" }] }]);
    const some = liveState({ agents: agents(agent("a", { mfaLocked: true }), agent("b"), agent("c")) });
    expect(press(type(press(some, "*", "L").state, "2"), "enter").effects).toMatchObject([
      { changes: [{ agentId: "b" }, { agentId: "c" }], done: "locked 2 agents" },
    ]);
    const all = liveState({
      agents: agents(agent("a", { mfaLocked: true }), agent("b", { mfaLocked: true })),
    });
    expect(press(all, "*", "L").state).toMatchObject({ overlay: undefined, notice: { kind: "info" } });
  });

  it("terminating a session, or all sessions that are marked", () => {
    const there = press(state, "2").state;
    expect(confirmed(there, "t", "tab")).toMatchObject([
      { changes: [{ kind: "terminate-session", agentId: "on-1", sessionId: "main" }] },
    ]);
    const all = press(there, "*", "t").state;
    expect(press(all, "tab", "enter").effects).toEqual([]);
    expect(press(type(all, "3"), "enter").effects).toMatchObject([{ done: "terminated 3 sessions" }]);
  });

  it("draining an instance, by its name; it says where everybody could go", () => {
    const there = press(state, "5", "j", "d").state;
    expect(there.overlay).toMatchObject({ lines: [expect.anything(), "1 instance besides it: up."] });
    expect(press(type(there, "i-2"), "enter").effects).toMatchObject([
      { changes: [{ kind: "drain-instance", instanceId: "i-2" }] },
    ]);
    const silent = instance("i-2", { state: InstanceState.INSTANCE_STATE_SILENT });
    const alone = liveState({ instances: snapshot([instance("i-1"), silent], ({ id }) => id) });
    expect(press(alone, "5", "d").state.overlay).toMatchObject({
      lines: [expect.anything(), "There is no other instance up: nobody could go anywhere."],
    });
  });

  it("revoking tokens, of which those that are revoked already are left out", () => {
    const token = (id: string, revokedAtMs?: number) => ({
      id,
      name: id,
      prefix: `rexec_${id}`,
      scopes: ["read"],
      agentId: "",
      userId: "user-alice",
      createdAtMs: 0,
      expiresAtMs: undefined,
      lastUsedAtMs: undefined,
      revokedAtMs,
    });
    const there = update(press(state, "6").state, { kind: "tokens", tokens: [token("t1"), token("t2", 1)] }).state;
    expect(press(there, "*", "R", "tab", "enter").effects).toMatchObject([
      { changes: [{ kind: "revoke-token", tokenId: "t1" }], done: "revoked t1 (rexec_t1)" },
    ]);
    expect(press(there, "j", "R").state.overlay).toBeUndefined();
  });

  it("nothing where there is no row", () => {
    const empty = liveState({});
    for (const keys of ["D", "d", "L", "r", "s", "w", "2t", "3p", "5d", "6R"]) {
      const pressed = press(empty, ...letters(keys));
      expect([keys, pressed.state.overlay, pressed.effects.filter(({ kind }) => kind !== "load")]).toEqual([
        keys,
        undefined,
        [],
      ]);
    }
  });

  it("with the field's own text edited, not appended to", () => {
    expect(press(fill(press(state, "D").state, "on-1"), "enter").effects).toHaveLength(1);
  });
});
