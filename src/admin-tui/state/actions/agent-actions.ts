// What can be done with agents: those marked, or the one under the cursor, or the one whose details are open.

import { agentName } from "../../tables/names.ts";
import { agentState, sessionsOf } from "../../tables/agents.ts";
import type { Change, Effect, TerminalToOpen } from "../effects.ts";
import { targetIds } from "../lists.ts";
import { type Update, noEffect } from "../messages.ts";
import type { AdminState } from "../model.ts";
import { textField } from "../overlay.ts";
import type { AgentRow } from "../rows.ts";
import { cursorId } from "../view.ts";
import { askToConfirm, counted, say } from "./dialogs.ts";

/** On the list of sessions: the agents that they run on. */
function targetAgents(state: AdminState): AgentRow[] {
  const ids =
    state.screen === "agent"
      ? [state.detailsOf ?? ""]
      : targetIds(state).map((id) => (state.screen === "sessions" ? (state.sessions.get(id)?.agentId ?? "") : id));
  return [...new Set(ids)].flatMap((id) => state.agents.get(id) ?? []);
}

export function openDetails(state: AdminState): Update {
  const id = cursorId(state, state.screen);
  const agentId = state.screen === "sessions" ? state.sessions.get(id ?? "")?.agentId : id;
  if (agentId === undefined || !state.agents.has(agentId)) return noEffect(state);
  const opened: AdminState = {
    ...state,
    screen: "agent",
    detailsOf: agentId,
    detailsFrom: state.screen,
    lockedSinceMs: undefined,
    lists: { ...state.lists, agent: { ...state.lists.agent, cursorId: undefined, cursorIndex: 0, held: undefined } },
  };
  return { state: opened, effects: [{ kind: "load-lock", agentId }] };
}

/** The shell of the agent, or the session under the cursor. A locked agent asks for a code first. */
export function openTerminal(state: AdminState, how: "shared" | "own" | "watch"): Update {
  const agent = agentUnderCursor(state);
  if (agent === undefined) return noEffect(state);
  if (agent.state !== "online" && agent.state !== "suspect")
    return say(state, "error", `${agent.name} is ${agent.state}: there is no shell to be had`);
  const session = sessionUnderCursor(state);
  if (how !== "own" && session?.kind === "exec")
    return say(state, "info", `${session.sessionId} is one command: it has no terminal`);
  if (how === "watch" && session === undefined && shellsOf(state, agent).length === 0)
    return say(state, "info", `nothing runs on ${agent.name}: there is nothing to watch`);
  const terminal: TerminalToOpen = {
    agentId: agent.id,
    agentName: agent.name,
    sessionId: how === "own" ? undefined : (session?.sessionId ?? watchable(state, agent, how)),
    isReadOnly: how === "watch",
  };
  if (!agent.isLocked) return { state, effects: [{ kind: "open-terminal", terminal }] };
  return askForCode(state, terminal);
}

/** Of somebody who looks on: the shared shell, or what runs in its place. */
function watchable(state: AdminState, agent: AgentRow, how: "shared" | "own" | "watch"): string {
  if (how !== "watch") return "main";
  const running = shellsOf(state, agent);
  return (running.find(({ kind }) => kind === "main") ?? running[0])?.sessionId ?? "main";
}

function shellsOf(state: AdminState, agent: AgentRow) {
  return sessionsOf(state, agent.id).filter(({ kind }) => kind !== "exec");
}

function askForCode(state: AdminState, terminal: TerminalToOpen): Update {
  return noEffect({
    ...state,
    overlay: {
      kind: "form",
      form: { name: "terminal-code", terminal },
      title: `${terminal.agentName} is locked`,
      lines: ["A code of your authenticator, or a recovery code, opens it to you for a while."],
      fields: [textField("code")],
      focus: 0,
      problem: undefined,
    },
  });
}

function agentUnderCursor(state: AdminState): AgentRow | undefined {
  if (state.screen === "agent") return state.agents.get(state.detailsOf ?? "");
  const id = cursorId(state, state.screen) ?? "";
  return state.agents.get(state.screen === "sessions" ? (state.sessions.get(id)?.agentId ?? "") : id);
}

function sessionUnderCursor(state: AdminState) {
  if (state.screen === "agents") return undefined;
  return state.sessions.get(cursorId(state, state.screen) ?? "");
}

export function terminateSessions(state: AdminState): Update {
  const sessions = targetIds(state).flatMap((id) => state.sessions.get(id) ?? []);
  const [first] = sessions;
  if (first === undefined) return noEffect(state);
  const what = `${first.sessionId} on ${agentName(state, first.agentId)}`;
  const viewers = sessions.reduce((sum, { viewers: those }) => sum + those.length, 0);
  return askToConfirm(state, {
    title: sessions.length === 1 ? `Terminate ${what}?` : `Terminate ${counted(sessions.length, "session")}?`,
    lines: [
      `Everything that runs in it ends. ${viewers === 0 ? "Nobody looks at it." : `${counted(viewers, "viewer")} will be told.`}`,
    ],
    action: "Terminate",
    typed: sessions.length > 1 ? String(sessions.length) : undefined,
    effect: changeAll(
      sessions.map(({ agentId, sessionId }) => ({ kind: "terminate-session", agentId, sessionId })),
      {
        label: "terminating",
        done: sessions.length === 1 ? `terminated ${what}` : `terminated ${counted(sessions.length, "session")}`,
      },
    ),
  });
}

export function disconnectAgents(state: AdminState): Update {
  return confirmForAgents(state, {
    verb: "Disconnect",
    past: "disconnected",
    line: "The connection closes, and the agent dials in again by itself. Shells go on.",
    change: ({ id }) => ({ kind: "disconnect-agent", agentId: id }),
  });
}

export function deleteAgents(state: AdminState): Update {
  return confirmForAgents(state, {
    verb: "Delete",
    past: "deleted",
    line: "Its token ends and its terminals close. The machine has to be enrolled again to come back.",
    change: ({ id }) => ({ kind: "delete-agent", agentId: id }),
  });
}

function confirmForAgents(
  state: AdminState,
  input: { verb: string; past: string; line: string; change(agent: AgentRow): Change },
): Update {
  const agents = targetAgents(state);
  const [first] = agents;
  if (first === undefined) return noEffect(state);
  const what = agents.length === 1 ? first.name : counted(agents.length, "agent");
  // One that does not answer may be back in a moment.
  const inUse = agents.filter((agent) => agent.state === "online" || agent.state === "suspect");
  const lines = [
    input.line,
    ...(inUse.length === 0
      ? []
      : [agents.length === 1 ? `It is ${agentState(first, state).word}.` : `${inUse.length} of them are connected.`]),
  ];
  return askToConfirm(state, {
    title: `${input.verb} ${what}?`,
    lines,
    action: input.verb,
    // What can't be taken back lightly is typed: the name, or how many.
    typed: agents.length > 1 ? String(agents.length) : inUse.length > 0 ? first.name : undefined,
    effect: changeAll(
      agents.map((agent) => input.change(agent)),
      {
        label: `${input.verb.toLowerCase()} ${what}`,
        done: `${input.past} ${what}`,
      },
    ),
  });
}

export function renameAgent(state: AdminState): Update {
  const agents = targetAgents(state);
  const [agent] = agents;
  if (agent === undefined) return noEffect(state);
  if (agents.length > 1)
    return say(state, "error", `${counted(agents.length, "agent")} are marked: one is renamed at a time`);
  return noEffect({
    ...state,
    overlay: {
      kind: "form",
      form: { name: "rename", agentId: agent.id },
      title: `Rename ${agent.name}`,
      lines: [],
      fields: [textField("name", agent.name)],
      focus: 0,
      problem: undefined,
    },
  });
}

/** Unlocking takes a code; locking several at once is as good as locking one. */
export function lockAgents(state: AdminState): Update {
  const agents = targetAgents(state);
  const [first] = agents;
  if (first === undefined) return noEffect(state);
  if (agents.length === 1 && first.isLocked) {
    return noEffect({
      ...state,
      overlay: {
        kind: "form",
        form: { name: "unlock", agentId: first.id, agentName: first.name },
        title: `Unlock ${first.name}`,
        lines: ["A code of your authenticator, or a recovery code, unlocks it for everybody who may reach it."],
        fields: [textField("code")],
        focus: 0,
        problem: undefined,
      },
    });
  }
  const open = agents.filter(({ isLocked }) => !isLocked);
  if (open.length === 0) return say(state, "info", "all of them are locked already; unlock them one by one");
  const what = open.length === 1 ? (open[0]?.name ?? "") : counted(open.length, "agent");
  return askToConfirm(state, {
    title: `Lock ${what}?`,
    lines: ["Nobody gets in without a code; terminals that have proved none close."],
    action: "Lock",
    typed: open.length > 1 ? String(open.length) : undefined,
    effect: changeAll(
      open.map(({ id }) => ({ kind: "lock-agent", agentId: id })),
      { label: `locking ${what}`, done: `locked ${what}` },
    ),
  });
}

function changeAll(changes: readonly Change[], text: { label: string; done: string }): Effect {
  return { kind: "change", changes, ...text };
}
