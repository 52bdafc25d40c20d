// What is refused, and what is hidden: by right, and by the state of the connection.

import { describe, expect, it } from "vitest";
import { press } from "../../../test/support/tui-keys.ts";
import { ADMIN, agent, agents, liveState, NOW_MS, session, sessions } from "../../../test/support/tui-state.ts";
import { type AdminState, type Me, SCREENS } from "../state/model.ts";
import { update } from "../state/update.ts";
import { offeredCommands, refusalOf } from "./availability.ts";
import { COMMANDS, type Command } from "./commands.ts";

const changes = { agents: agents(agent("a1")), sessions: sessions(session("a1")) };
const as = (me: Partial<Me>): AdminState => liveState(changes, { me: { ...ADMIN, ...me } });

const READER = { isAdmin: false, mayWrite: false };
const WRITER = { isAdmin: false, mayWrite: true };
const READONLY = { isAdmin: true, mayWrite: false, isReadOnly: true };

function offered(state: AdminState): Command[] {
  return [...SCREENS, "agent" as const].flatMap((screen) => offeredCommands({ ...state, screen }));
}

const WRITES = (COMMANDS as readonly Command[]).filter(({ needs }) => needs === "write" || needs === "admin-write");

describe("whoever may not write", () => {
  it.each([
    ["by --readonly", READONLY, "this is --readonly"],
    ["without the write scope", { isAdmin: true, mayWrite: false }, "this needs a token with the write scope"],
  ])("%s is offered no change, and refused every one", (_name, me, why) => {
    const state = as(me);
    expect(offered(state).filter(({ needs }) => needs === "write" || needs === "admin-write")).toEqual([]);
    expect(WRITES.map((command) => refusalOf(command, state))).toEqual(WRITES.map(() => why));
  });

  it("is told so when the key is pressed, and nothing else happens", () => {
    for (const key of ["s", "S", "d", "r", "L", "D"]) {
      const { state, effects } = press(as(READONLY), key);
      expect([key, effects, state.overlay, state.notice?.kind]).toEqual([key, [], undefined, "error"]);
      expect(state.notice?.text).toContain("this is --readonly");
    }
  });

  it("may look on, open details, copy and export", () => {
    const reader = as(READER);
    expect(press(reader, "w").effects).toMatchObject([{ kind: "open-terminal", terminal: { isReadOnly: true } }]);
    expect(press(reader, "enter").state.screen).toBe("agent");
    expect(press(reader, "y").effects).toHaveLength(1);
    expect(press(reader, "e").state.overlay).toMatchObject({ kind: "form" });
  });
});

describe("whoever is no admin", () => {
  it("is offered nothing that only admins may do, and refused it", () => {
    const state = as(WRITER);
    expect(offered(state).filter(({ needs }) => needs === "admin" || needs === "admin-write")).toEqual([]);
    for (const [screen, key] of [
      ["limits", "p"],
      ["limits", "P"],
      ["instances", "d"],
      ["agents", "5"],
    ] as const) {
      const pressed = press({ ...state, screen }, key).state;
      expect([key, pressed.screen, pressed.notice?.text]).toEqual([
        key,
        screen,
        expect.stringContaining("this needs a token with the admin scope"),
      ]);
    }
  });
});

describe("while the connection is lost", () => {
  const failure = { reason: "UNREACHABLE", message: "no route" };
  const lost = update(as({}), {
    kind: "feed",
    feed: "sessions",
    state: { kind: "lost", failure, sinceMs: NOW_MS, retryAtMs: NOW_MS + 1000, isComplete: true },
    nowMs: NOW_MS,
  }).state;

  it("changes are refused, but not hidden: they come back", () => {
    expect(offered(lost)).toEqual(offered(as({})));
    expect(WRITES.map((command) => refusalOf(command, lost))).toEqual(
      WRITES.map(() => "not connected: changes wait until the server is back"),
    );
    expect(press(lost, "D")).toMatchObject({ effects: [], state: { overlay: undefined, notice: { kind: "error" } } });
  });

  it("going about, filtering and leaving go on", () => {
    expect(press(lost, "2").state.screen).toBe("sessions");
    expect(press(lost, "/", "a", "enter").state.lists.agents.filter).toBe("a");
    expect(press(lost, "q").effects).toEqual([{ kind: "quit" }]);
  });

  it("changes are possible again once it is back", () => {
    const back = update(lost, {
      kind: "feed",
      feed: "sessions",
      state: { kind: "live", isComplete: true },
      nowMs: NOW_MS,
    });
    expect(press(back.state, "D").state.overlay).toMatchObject({ kind: "confirm" });
  });
});
