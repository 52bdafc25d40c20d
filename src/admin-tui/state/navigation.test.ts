// From screen to screen, and back; the palette; the help; what is said, and for how long.

import { describe, expect, it } from "vitest";
import { letters, press, shown, tick, type } from "../../../test/support/tui-keys.ts";
import { ADMIN, agent, agents, event, liveState, session, sessions } from "../../../test/support/tui-state.ts";
import { COMMANDS, type Command } from "../keys/commands.ts";
import { helpLines, lastHelpTop } from "./help.ts";
import type { Message } from "./messages.ts";
import type { AdminState } from "./model.ts";
import { paletteCommands } from "./overlay-keys.ts";
import { update } from "./update.ts";

const state = liveState({
  agents: agents(agent("a1", { name: "web" }), agent("a2", { name: "x" })),
  sessions: sessions(session("a1"), session("a2")),
});
const USER = { ...ADMIN, isAdmin: false };

const given = (to: AdminState, message: Message): AdminState => update(to, message).state;

describe("going about", () => {
  it("has a number for each screen, and goes round with Tab", () => {
    expect(letters("123456").map((key) => press(state, key).state.screen)).toEqual([
      "agents",
      "sessions",
      "limits",
      "events",
      "instances",
      "tokens",
    ]);
    expect(press(state, "shift+tab").state.screen).toBe("tokens");
    expect(press(state, "tab", "tab", "tab", "tab", "tab", "tab").state.screen).toBe("agents");
  });

  it("asks for the tokens when they are to be seen: nobody watches them", () => {
    expect(press(state, "6").effects).toEqual([{ kind: "load", what: "tokens" }]);
  });

  it("steps over instances where there is no admin", () => {
    const user = { ...state, me: USER };
    expect(press(user, "tab", "tab", "tab", "tab").state.screen).toBe("tokens");
    expect(press(user, "shift+tab", "shift+tab").state.screen).toBe("events");
  });

  it("goes one step back at a time: marks, filter, details", () => {
    const deep = press(state, "enter", "/", "m", "enter").state;
    expect(deep.screen).toBe("agent");
    const one = press(deep, "escape").state;
    expect([one.screen, one.lists.agent.filter]).toEqual(["agent", ""]);
    const two = press(one, "escape").state;
    expect([two.screen, two.detailsOf]).toEqual(["agents", undefined]);

    const marked = press(state, "/", "w", "e", "b", "enter", "space").state;
    const unmarked = press(marked, "escape").state;
    expect([unmarked.lists.agents.marked.size, unmarked.lists.agents.filter]).toEqual([0, "web"]);
    expect(press(unmarked, "escape").state.lists.agents.filter).toBe("");
  });

  it("comes back from details to where they were opened", () => {
    const opened = press(state, "2", "j", "enter");
    expect(opened.state).toMatchObject({ screen: "agent", detailsOf: "a2", detailsFrom: "sessions" });
    expect(opened.effects).toEqual([{ kind: "load-lock", agentId: "a2" }]);
    expect(press(opened.state, "escape").state.screen).toBe("sessions");
  });

  it("leaves the details of an agent that is deleted, and says so", () => {
    const gone = { upserted: new Map(), removed: new Set(["a1"]), kept: undefined };
    const after = given(press(state, "enter").state, {
      kind: "changes",
      changes: { agents: gone },
      nowMs: state.nowMs,
    });
    expect(after).toMatchObject({ screen: "agents", detailsOf: undefined, notice: { text: "web has been deleted" } });
    expect(shown(after)).toEqual(["a2"]);
  });

  it("copies the ids of the rows, and says so", () => {
    expect(press(state, "y")).toMatchObject({
      effects: [{ kind: "copy", text: "a1" }],
      state: { notice: { text: "copied a1" } },
    });
    expect(press(state, "*", "y").effects).toEqual([{ kind: "copy", text: "a1\na2" }]);
    expect(press(state, "enter", "y").effects).toMatchObject([{}, { kind: "copy", text: "a1/main" }]);
  });

  it("leaves with q or Ctrl+C", () => {
    expect([press(state, "q").effects, press(state, "ctrl+c").effects]).toEqual([
      [{ kind: "quit" }],
      [{ kind: "quit" }],
    ]);
  });

  it("does nothing for a key that means nothing", () => {
    expect(press(state, "Z", "ctrl+z", "é", "日")).toEqual({ state, effects: [] });
  });
});

describe("the palette", () => {
  const open = press(state, ":").state;
  const found = (text: string): string[] => {
    const { overlay } = type(open, text);
    return overlay?.kind === "palette" ? paletteCommands(state, overlay).map(({ id }) => id) : [];
  };

  it("finds commands by the beginning of their name first, then by anything in it or its description", () => {
    expect(found("de")[0]).toBe("delete");
    expect(found("shell")).toEqual(["shell", "sessions", "split-shell"]);
    expect(found("second factor")).toEqual(["lock"]);
    expect(found("no such thing")).toEqual([]);
  });

  it("runs what was chosen", () => {
    expect(press(type(open, "limits"), "enter").state).toMatchObject({ screen: "limits", overlay: undefined });
    expect(press(type(open, "quit"), "enter").effects).toEqual([{ kind: "quit" }]);
    expect(press(open, "down", "down", "tab", "up", "enter").state.overlay).toBeUndefined();
  });

  it("keeps its choice within what it has found", () => {
    const all = paletteCommands(state, { input: { label: "", value: "", caret: 0 }, isActions: false }).length;
    const far = press(open, ...Array.from({ length: all + 5 }, () => "down")).state;
    expect(far.overlay).toMatchObject({ index: all - 1 });
    expect(press(far, "q").state.overlay).toMatchObject({ index: 0, input: { value: "q" } });
    expect(press(open, "up").state.overlay).toMatchObject({ index: 0 });
  });

  it("stays where nothing matches", () => {
    expect(press(type(open, "zzz"), "enter")).toMatchObject({ state: { overlay: { kind: "palette" } }, effects: [] });
  });

  it("holds, as actions, what can be done with the row, each under its own key", () => {
    const actions = press(state, "x").state;
    expect(press(actions, "r").state.overlay).toMatchObject({ kind: "form", form: { name: "rename" } });
    expect(press(actions, "D").state.overlay).toMatchObject({ kind: "confirm", title: "Delete web?" });
    const { overlay } = actions;
    const ids = overlay?.kind === "palette" ? paletteCommands(state, overlay).map(({ id }) => id) : [];
    expect(ids).toContain("delete");
    expect(ids).not.toContain("quit");
  });

  it("takes letters for its text, not for commands", () => {
    expect(press(open, ...letters("Dqjk"))).toMatchObject({
      effects: [],
      state: { overlay: { input: { value: "Dqjk" } } },
    });
  });
});

describe("the help", () => {
  it("holds every command of the screen that the user may give", () => {
    const ids = helpLines(state).flatMap((line) => (line.kind === "command" ? [line.command.id] : []));
    const expected = (COMMANDS as readonly Command[]).filter(({ screens }) => screens?.includes("agents") ?? true);
    expect(ids.toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
  });

  it("scrolls to its end and no further: one key goes back", () => {
    const open = press(state, "?").state;
    const far = press(open, ...Array.from({ length: 99 }, () => "pagedown")).state;
    expect(far.overlay).toEqual({ kind: "help", top: lastHelpTop(state) });
    expect(press(far, "k").state.overlay).toEqual({ kind: "help", top: lastHelpTop(state) - 1 });
    expect(press(open, "k", "up", "pageup").state.overlay).toEqual({ kind: "help", top: 0 });
  });

  it("is closed by any other key, which does nothing else", () => {
    for (const key of ["q", "escape", "?", "D", "enter"])
      expect(press(state, "?", key)).toMatchObject({ state: { overlay: undefined }, effects: [] });
  });
});

describe("what is said", () => {
  const say = (kind: "ok" | "info" | "error"): AdminState =>
    given(state, { kind: "notice", notice: { kind, text: "done" }, nowMs: state.nowMs });

  it("goes after five seconds; an error after twelve", () => {
    for (const [kind, ms] of [
      ["ok", 5_000],
      ["info", 5_000],
      ["error", 12_000],
    ] as const) {
      expect(tick(say(kind), ms - 1).notice?.text).toBe("done");
      expect(tick(say(kind), ms).notice).toBeUndefined();
    }
  });

  it("goes at once with Escape", () => {
    expect(press(say("error"), "escape").state.notice).toBeUndefined();
  });

  it("tells of a failure what was tried, what is wrong, why, and what to do", () => {
    const failure = { reason: "X", message: "no such agent", why: "it was deleted", hint: "rexec agents ls" };
    const failed = given(state, { kind: "failed", doing: "renaming", failure, nowMs: state.nowMs });
    expect(failed.notice).toMatchObject({
      kind: "error",
      text: "renaming: no such agent: it was deleted (rexec agents ls)",
    });
  });
});

describe("events about what nobody watches", () => {
  const told = (to: AdminState, type: string) =>
    update(to, { kind: "changes", nowMs: to.nowMs, changes: { events: [event(1, type)] } }).effects;

  it("are the sign to ask again, where it would be seen", () => {
    expect(told(state, "user.updated")).toEqual([{ kind: "load", what: "users" }]);
    expect(told(state, "plan.changed")).toEqual([{ kind: "load", what: "plans" }]);
    expect(told({ ...state, me: USER }, "plan.changed")).toEqual([]);
    expect(told(state, "token.created")).toEqual([]);
    expect(told({ ...state, screen: "tokens" }, "token.created")).toEqual([{ kind: "load", what: "tokens" }]);
    expect(told({ ...state, detailsOf: "a1" }, "mfa.locked")).toEqual([{ kind: "load-lock", agentId: "a1" }]);
  });
});
