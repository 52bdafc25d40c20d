// What each command of the table does.

import { type CommandId, commandOf } from "../keys/commands.ts";
import { refusalOf } from "../keys/availability.ts";
import { changePlanLimits, changeUserPlan, createToken, drainInstance, revokeTokens } from "./actions/admin-actions.ts";
import {
  deleteAgents,
  disconnectAgents,
  lockAgents,
  openDetails,
  openTerminal,
  renameAgent,
  terminateSessions,
} from "./actions/agent-actions.ts";
import { say } from "./actions/dialogs.ts";
import type { Effect } from "./effects.ts";
import { exportName } from "./export-list.ts";
import { follow, holdOrder, markedIds, moveTo, sortByNext, targetIds, toggleMark, withList } from "./lists.ts";
import { type Update, noEffect } from "./messages.ts";
import { type AdminState, type Screen, SCREENS } from "./model.ts";
import { textField } from "./overlay.ts";
import { viewOf } from "./view.ts";

export function runCommand(state: AdminState, id: CommandId): Update {
  const refusal = refusalOf(commandOf(id), state);
  return refusal === undefined ? run(state, id) : say(state, "error", `${id}: ${refusal}`);
}

function run(state: AdminState, id: CommandId): Update {
  switch (id) {
    case "down":
      return noEffect(moveTo(state, (index) => index + 1));
    case "up":
      return noEffect(moveTo(state, (index) => index - 1));
    case "page-down":
      return noEffect(moveTo(state, (index, _last, page) => index + page));
    case "page-up":
      return noEffect(moveTo(state, (index, _last, page) => index - page));
    case "first":
      return noEffect(moveTo(state, () => 0));
    case "last":
      return noEffect(state.screen === "events" ? follow(state) : moveTo(state, (_index, last) => last));
    case "agents":
    case "sessions":
    case "limits":
    case "events":
    case "instances":
    case "tokens":
      return goTo(state, id);
    case "next-screen":
      return goTo(state, neighbour(state, 1));
    case "previous-screen":
      return goTo(state, neighbour(state, -1));
    case "open":
      return openDetails(state);
    case "shell":
      return openTerminal(state, "shared");
    case "split-shell":
      return openTerminal(state, "own");
    case "watch":
      return openTerminal(state, "watch");
    case "terminate":
      return terminateSessions(state);
    case "disconnect":
      return disconnectAgents(state);
    case "rename":
      return renameAgent(state);
    case "lock":
      return lockAgents(state);
    case "delete":
      return deleteAgents(state);
    case "user-plan":
      return changeUserPlan(state);
    case "plan-limits":
      return changePlanLimits(state);
    case "drain":
      return drainInstance(state);
    case "new-token":
      return createToken(state);
    case "revoke":
      return revokeTokens(state);
    case "pause":
      return noEffect(togglePause(state));
    case "follow":
      return noEffect(follow(state));
    case "copy-id":
      return copyIds(state);
    case "mark":
      return noEffect(toggleMark(state));
    case "mark-all":
      return noEffect(withList(state, { marked: new Set(viewOf(state, state.screen).ids) }));
    case "unmark-all":
      return noEffect(withList(state, { marked: new Set() }));
    case "filter": {
      const { filter } = state.lists[state.screen];
      return noEffect({ ...state, overlay: { kind: "filter", input: textField("filter", filter), before: filter } });
    }
    case "sort":
      return noEffect(sortByNext(state));
    case "reverse": {
      const { sort } = state.lists[state.screen];
      return noEffect(withList(state, { sort: { ...sort, descending: !sort.descending }, held: undefined }));
    }
    case "hold":
      return noEffect(toggleHold(state));
    case "apply":
      return noEffect(withList(state, { held: undefined }));
    case "export":
      return noEffect({
        ...state,
        overlay: {
          kind: "form",
          form: { name: "export" },
          title: `Export ${viewOf(state, state.screen).ids.length} rows`,
          lines: ["CSV, or JSON where the file's name ends in .json"],
          fields: [textField("file", exportName(state))],
          focus: 0,
          problem: undefined,
        },
      });
    case "actions":
      return noEffect({ ...state, overlay: { kind: "palette", input: textField(""), index: 0, isActions: true } });
    case "palette":
      return noEffect({ ...state, overlay: { kind: "palette", input: textField(""), index: 0, isActions: false } });
    case "help":
      return noEffect({ ...state, overlay: { kind: "help", top: 0 } });
    case "back":
      return noEffect(back(state));
    case "quit":
      return { state, effects: [{ kind: "quit" }] };
    default:
      return id satisfies never;
  }
}

function goTo(state: AdminState, screen: Screen): Update {
  const moved = { ...state, screen };
  const load: Effect[] = screen === "tokens" ? [{ kind: "load", what: "tokens" }] : [];
  return { state: moved, effects: load };
}

/** Screens that this user never sees anything on are stepped over. */
function neighbour(state: AdminState, by: number): Screen {
  const open = SCREENS.filter((screen) => screen !== "instances" || state.me.isAdmin);
  const at = open.findIndex((screen) => screen === (state.screen === "agent" ? state.detailsFrom : state.screen));
  return open[(at + by + open.length) % open.length] ?? "agents";
}

function togglePause(state: AdminState): AdminState {
  if (state.eventsPausedAt !== undefined) return { ...state, eventsPausedAt: undefined };
  return { ...state, eventsPausedAt: state.events.at(-1)?.sequence ?? 0 };
}

function toggleHold(state: AdminState): AdminState {
  const { held } = state.lists[state.screen];
  if (held?.untilMs === Number.POSITIVE_INFINITY) return withList(state, { held: undefined });
  const ids = holdOrder(state).lists[state.screen].held?.ids;
  return ids === undefined ? state : withList(state, { held: { ids, untilMs: Number.POSITIVE_INFINITY } });
}

function copyIds(state: AdminState): Update {
  const ids = state.screen === "agent" && targetIds(state).length === 0 ? [state.detailsOf ?? ""] : targetIds(state);
  const [first] = ids;
  if (first === undefined || first === "") return noEffect(state);
  const what = ids.length === 1 ? first : `${ids.length} ids`;
  const copied = say(state, "ok", `copied ${what}`);
  return { ...copied, effects: [{ kind: "copy", text: ids.join("\n") }] };
}

/** One step at a time: marks, the filter, the details. */
function back(state: AdminState): AdminState {
  if (markedIds(state).length > 0) return withList(state, { marked: new Set() });
  if (state.lists[state.screen].filter !== "") return withList(state, { filter: "", held: undefined });
  if (state.screen === "agent") return { ...state, screen: state.detailsFrom, detailsOf: undefined };
  return { ...state, notice: undefined };
}
