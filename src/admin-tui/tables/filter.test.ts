// The language of filters, and who gets the letters while one is typed.

import { describe, expect, it } from "vitest";
import { AgentStatus } from "../../gen/rexec/agent/v1/agent_service.ts";
import { agent, agents, liveState } from "../../../test/support/tui-state.ts";
import { letters, press, shown, type } from "../../../test/support/tui-keys.ts";
import { update } from "../state/update.ts";

const state = liveState({
  agents: agents(
    agent("web-1", { tags: ["prod", "blue"], mfaLocked: true }),
    agent("web-2", { tags: ["test"], status: AgentStatus.AGENT_STATUS_OFFLINE }),
    agent("db-1", { tags: ["prod"], distro: "alpine", userId: "user-bob" }),
  ),
});

const found = (filter: string): readonly string[] => shown(type(press(state, "/").state, filter));

describe("a filter", () => {
  it("finds words in names and tags, in any case", () => {
    expect([found("web"), found("PROD"), found("nobody")]).toEqual([["web-1", "web-2"], ["db-1", "web-1"], []]);
  });

  it("finds `key:value` in the field of that name alone", () => {
    expect([found("status:off"), found("os:alpine"), found("user:bob"), found("locked:yes")]).toEqual([
      ["web-2"],
      ["db-1"],
      ["db-1"],
      ["web-1"],
    ]);
    expect(found("tag:web")).toEqual([]);
  });

  it("leaves out what a term with a minus finds", () => {
    expect([found("-web"), found("-tag:prod"), found("-status:online")]).toEqual([["db-1"], ["web-2"], ["web-2"]]);
  });

  it("wants every term to hold", () => {
    expect([found("web prod"), found("  web   -tag:blue "), found("tag:prod -user:bob")]).toEqual([
      ["web-1"],
      ["web-2"],
      ["web-1"],
    ]);
  });

  it("shows everything where nothing is asked for yet", () => {
    expect([found(""), found("-"), found("   "), found("status:")]).toEqual(
      Array.from({ length: 4 }, () => ["db-1", "web-1", "web-2"]),
    );
  });

  it("takes a key that no field has for a word, also one that every object has", () => {
    expect([found("http://x"), found("constructor:x"), found("toString:"), found("__proto__:a")]).toEqual([
      [],
      [],
      [],
      [],
    ]);
  });
});

describe("while a filter is typed", () => {
  it("letters that are commands elsewhere go into it, and nowhere else", () => {
    const typed = press(state, "/", ...letters("qjkDdtLsxuh1 ?:"));
    expect(typed.state.lists.agents.filter).toBe("qjkDdtLsxuh1 ?:");
    expect(typed.effects).toEqual([]);
    expect(typed.state.screen).toBe("agents");
    expect(typed.state.lists.agents.cursorId).toBeUndefined();
  });

  it("Enter keeps it, and letters are commands again", () => {
    const kept = press(state, "/", "w", "enter").state;
    expect(kept.overlay).toBeUndefined();
    expect(shown(kept)).toEqual(["web-1", "web-2"]);
    expect(press(kept, "q").effects).toEqual([{ kind: "quit" }]);
  });

  it("Escape puts back what was there before", () => {
    const first = press(state, "/", "d", "b", "enter").state;
    expect(press(first, "/", "x", "y", "escape").state.lists.agents.filter).toBe("db");
    expect(press(first, "/", "x", "y", "ctrl+c").effects).toEqual([]);
  });

  it("a paste goes into it on one line", () => {
    const pasted = update(press(state, "/").state, { kind: "paste", text: "web\n-2\u001b[31m", nowMs: state.nowMs });
    expect(pasted.state.lists.agents.filter).toBe("web -2[31m");
  });
});

describe("a paste where no text is taken", () => {
  it("is no keys: nothing happens", () => {
    const pasted = update(state, { kind: "paste", text: "Dq", nowMs: state.nowMs });
    expect(pasted).toEqual({ state, effects: [] });
    const help = press(state, "?").state;
    expect(update(help, { kind: "paste", text: "q", nowMs: state.nowMs }).state).toEqual(help);
  });
});
