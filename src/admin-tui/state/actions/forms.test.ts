// Every form: what it asks for, and what it says of what can't be right.

import { describe, expect, it } from "vitest";
import { fill, letters, press, type } from "../../../../test/support/tui-keys.ts";
import {
  ADMIN,
  agent,
  agents,
  limits,
  liveState,
  session,
  sessions,
  snapshot,
} from "../../../../test/support/tui-state.ts";
import type { AdminState } from "../model.ts";
import { update } from "../update.ts";

const base = liveState({
  agents: agents(agent("a1", { name: "web" }), agent("a2", { name: "x", mfaLocked: true })),
  sessions: sessions(session("a1")),
  limits: snapshot([limits("user-bob", { plan: "pro" })], ({ userId }) => userId),
});
const state = update(base, { kind: "plans", plans: [{ name: "pro", maxAgents: 20, maxTerminalAgents: 10 }] }).state;
const onLocked = press(state, "j").state;

function problemOf({ overlay }: AdminState): string | undefined {
  return overlay?.kind === "form" ? overlay.problem : undefined;
}

/** The form is sent as it stands, from its last field. */
const send = (form: AdminState) => press(form, "enter");

describe("renaming", () => {
  it("starts with the name there is, and sends the new one", () => {
    const form = press(state, "r").state;
    expect(form.overlay).toMatchObject({ title: "Rename web", fields: [{ value: "web", caret: 3 }] });
    expect(send(type(form, "-9")).effects).toEqual([
      {
        kind: "change",
        changes: [{ kind: "rename-agent", agentId: "a1", name: "web-9" }],
        label: "renaming",
        done: "renamed to web-9",
      },
    ]);
  });

  it("is of one agent: with several marked it says so, and asks nothing", () => {
    const asked = press(state, "*", "r").state;
    expect(asked.overlay).toBeUndefined();
    expect(asked.notice).toMatchObject({ kind: "error", text: "2 agents are marked: one is renamed at a time" });
    expect(press(state, "space", "k", "r").state.overlay).toMatchObject({ title: "Rename web" });
  });

  it("wants at least one character", () => {
    const sent = send(fill(press(state, "r").state, "   "));
    expect([problemOf(sent.state), sent.effects]).toEqual(["a name has at least one character", []]);
  });

  it("forgets what was wrong when something is typed, and all of it with Escape", () => {
    const sent = send(fill(press(state, "r").state, "")).state;
    expect(problemOf(type(sent, "y"))).toBeUndefined();
    expect(press(sent, "escape")).toMatchObject({ state: { overlay: undefined }, effects: [] });
  });

  it("takes letters that are commands elsewhere", () => {
    const typed = press(fill(press(state, "r").state, ""), ...letters("qjDL?:/"));
    expect(typed.effects).toEqual([]);
    expect(typed.state.overlay).toMatchObject({ fields: [{ value: "qjDL?:/" }] });
  });
});

describe("unlocking", () => {
  const form = press(onLocked, "L").state;

  it("sends a code of six digits, or a recovery code", () => {
    expect(send(type(form, "123456")).effects).toMatchObject([
      { changes: [{ kind: "unlock-agent", agentId: "a2", code: "123456" }] },
    ]);
    expect(send(type(form, "abcd-efgh-1234")).effects).toHaveLength(1);
  });

  it("refuses what can't be one", () => {
    for (const code of ["", "12345", "12 456", "x".repeat(65)]) {
      const sent = send(type(form, code));
      expect([sent.effects, problemOf(sent.state)]).toEqual([[], expect.stringContaining("six digits")]);
    }
  });
});

describe("a terminal", () => {
  const terminal = { agentId: "a1", agentName: "web", sessionId: "main", isReadOnly: false };

  it("opens at once on an agent that is not locked: the shared shell, one's own, or to look on", () => {
    expect(press(state, "s").effects).toEqual([{ kind: "open-terminal", terminal }]);
    expect(press(state, "S").effects).toEqual([
      { kind: "open-terminal", terminal: { ...terminal, sessionId: undefined } },
    ]);
    expect(press(state, "w").effects).toEqual([{ kind: "open-terminal", terminal: { ...terminal, isReadOnly: true } }]);
  });

  it("on a locked agent asks for a code first, and brings it along", () => {
    const form = press(onLocked, "s");
    expect(form.effects).toEqual([]);
    expect(send(form.state).effects).toEqual([]);
    expect(problemOf(send(form.state).state)).toContain("six digits");
    expect(send(type(form.state, "123456")).effects).toEqual([
      {
        kind: "open-terminal",
        terminal: { agentId: "a2", agentName: "x", sessionId: "main", isReadOnly: false },
        code: "123456",
      },
    ]);
  });

  it("is the session under the cursor, on the list of sessions", () => {
    const there = liveState({ agents: agents(agent("a1")), sessions: sessions(session("a1", "s7")) });
    expect(press(there, "2", "s").effects).toMatchObject([{ terminal: { agentId: "a1", sessionId: "s7" } }]);
    expect(press(there, "w").effects).toMatchObject([{ terminal: { sessionId: "s7", isReadOnly: true } }]);
  });

  it("can't be watched where nothing runs, nor opened where nobody is", () => {
    expect(press(onLocked, "w").state.notice?.text).toContain("nothing runs on x");
    const gone = liveState({ agents: agents(agent("a1", { status: 4 })) });
    const pressed = press(gone, "s");
    expect([pressed.effects, pressed.state.notice?.kind]).toEqual([[], "error"]);
  });
});

describe("plans", () => {
  const there = press(state, "3").state;

  it("a user's plan: starts with the one there is, and wants one", () => {
    const form = press(there, "p").state;
    expect(form.overlay).toMatchObject({ fields: [{ value: "pro" }], lines: ["Plans: pro 20.", expect.anything()] });
    expect(send(fill(form, "guest")).effects).toMatchObject([
      { changes: [{ kind: "set-user-plan", userId: "user-bob", plan: "guest" }], done: "user-bob has the plan guest" },
    ]);
    expect(problemOf(send(fill(form, "")).state)).toBe("which plan?");
  });

  it("a plan's numbers: start with those there are, and are numbers", () => {
    const form = press(there, "P").state;
    expect(form.overlay).toMatchObject({ focus: 1, fields: [{ value: "pro" }, { value: "20" }, { value: "10" }] });
    const changed = fill(press(fill(form, "30"), "enter").state, "15");
    expect(send(changed).effects).toMatchObject([
      { changes: [{ kind: "set-plan", name: "pro", maxAgents: 30, maxTerminalAgents: 15 }] },
    ]);
    for (const wrong of ["-1", "1.5", "1e3", "many", "1000001"]) {
      expect([wrong, problemOf(send(fill(press(form, "tab").state, wrong)).state)]).toEqual([
        wrong,
        "numbers from 0 to 1000000, please",
      ]);
    }
  });

  it("as many in use as there may be agents, where nothing else is said", () => {
    const form = press(there, "P", "tab").state;
    expect(send(fill(form, "")).effects).toMatchObject([{ changes: [{ maxAgents: 20, maxTerminalAgents: 20 }] }]);
  });
});

describe("a token", () => {
  const form = press(state, "6", "n").state;
  const filled = (name: string, scopes: string, days: string): AdminState =>
    fill(press(fill(press(fill(form, name), "tab").state, scopes), "tab").state, days);

  it("has a name, scopes and an end", () => {
    expect(send(filled("ci", "read, write", "90")).effects).toEqual([
      { kind: "create-token", name: "ci", scopes: ["read", "write"], expiresInDays: 90 },
    ]);
    expect(send(filled("ci", "admin", "")).effects).toMatchObject([{ scopes: ["admin"], expiresInDays: undefined }]);
  });

  it("is refused without a name, with other scopes, or with an end that is none", () => {
    const problem = (...input: Parameters<typeof filled>) => problemOf(send(filled(...input)).state);
    expect([problem("", "read", ""), problem("ci", "", "1"), problem("ci", "root", "1")]).toEqual([
      "a name tells it from the others",
      "scopes are of read, write, admin",
      "scopes are of read, write, admin",
    ]);
    for (const days of ["0", "3651", "x", "-1"]) expect(problem("ci", "read", days)).toContain("days: 1 to 3650");
  });

  it("is shown once, and copied by y", () => {
    const revealed = update(state, { kind: "token-created", name: "ci", secret: "rexec_secret" }).state;
    expect(revealed.overlay).toMatchObject({ kind: "reveal", title: "Token ci" });
    expect(press(revealed, "y").effects).toEqual([{ kind: "copy", text: "rexec_secret" }]);
    expect(press(revealed, "j", "1", "D").state.overlay).toEqual(revealed.overlay);
    expect(JSON.stringify(press(revealed, "enter").state)).not.toContain("rexec_secret");
  });
});

describe("an export", () => {
  it("has a file's name, and writes CSV of what is shown, in its order", () => {
    const form = press(state, "/", "w", "e", "b", "enter", "e").state;
    expect(form.overlay).toMatchObject({ title: "Export 1 rows", fields: [{ value: "rexec-agents-2026-11-26.csv" }] });
    const [effect] = send(form).effects;
    expect(effect).toMatchObject({ kind: "export", path: "rexec-agents-2026-11-26.csv" });
    expect(effect).toHaveProperty(
      "text",
      [
        "id,state,name,status,user,platform,cpu,trend,mem,ses,seen,inst",
        "a1,online,web,online,alice,ubuntu/x64,n/a,,n/a,1,2s,i-1",
        "",
      ].join("\r\n"),
    );
  });

  it("writes JSON where the name says so", () => {
    const [effect] = send(fill(press(state, "e").state, "out.json")).effects;
    expect(effect?.kind === "export" && JSON.parse(effect.text)).toMatchObject([
      { id: "a1", name: "web", sessions: 1 },
      { id: "a2", mfa_locked: true },
    ]);
  });

  it("lets no cell be a formula or break its line", () => {
    const odd = liveState({ agents: agents(agent("a1", { name: '=cmd()",\n' })) });
    const [effect] = send(press(odd, "e").state).effects;
    expect(effect?.kind === "export" && effect.text.split("\r\n")[1]).toContain(`"'=cmd()"",\\u000a"`);
  });

  it("wants a name", () => {
    expect(problemOf(send(fill(press(state, "e").state, " ")).state)).toBe("into which file?");
  });
});

describe("what somebody may do", () => {
  it("is told where a form speaks of scopes", () => {
    const user = { ...state, me: { ...ADMIN, isAdmin: false } };
    expect(press(user, "6", "n").state.overlay).toMatchObject({ lines: [expect.stringContaining("read, write;")] });
  });
});
