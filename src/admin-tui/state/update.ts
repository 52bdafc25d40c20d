// The whole TUI as one pure function: what was, and what has happened, make what is and what is to be done.

import { commandFor } from "../keys/commands.ts";
import { type KeyPress, keyName } from "../keys/key-press.ts";
import { say, withNotice } from "./actions/dialogs.ts";
import { applyChanges } from "./apply-changes.ts";
import { drawable } from "./drawable.ts";
import { settleCursor, withList } from "./lists.ts";
import { type Message, type Update, noEffect } from "./messages.ts";
import { type AdminState, drawableMe, type FeedName, type FeedState, SCREENS, type Screen } from "./model.ts";
import { pasteInOverlay, pressInOverlay } from "./overlay-keys.ts";
import { runCommand } from "./run-command.ts";

export function update(state: AdminState, message: Message): Update {
  switch (message.kind) {
    case "tick":
      return noEffect(tick({ ...state, nowMs: message.nowMs }));
    case "resized":
      return noEffect({ ...state, size: message.size });
    case "key":
      return press({ ...state, nowMs: message.nowMs }, message.press);
    case "paste":
      return state.overlay === undefined
        ? noEffect(state)
        : noEffect(pasteInOverlay({ ...state, nowMs: message.nowMs }, state.overlay, message.text));
    case "me":
      return noEffect({ ...state, me: drawableMe(message.me) });
    case "feed":
      return noEffect(withFeed({ ...state, nowMs: message.nowMs }, message.feed, message.state));
    case "changes":
      return changes({ ...state, nowMs: message.nowMs, heardAtMs: message.nowMs }, message);
    case "users":
      return noEffect({ ...state, users: new Map(message.users.map((user) => [user.id, user])) });
    case "tokens":
      return noEffect({ ...state, tokens: new Map(message.tokens.map((token) => [token.id, token])) });
    case "plans":
      return noEffect({ ...state, plans: new Map(message.plans.map((plan) => [plan.name, plan])) });
    case "lock-state":
      return noEffect(state.detailsOf === message.agentId ? { ...state, lockedSinceMs: message.lockedAtMs } : state);
    case "pending":
      return noEffect({ ...state, pending: message.pending });
    case "notice":
      return say({ ...state, nowMs: message.nowMs }, message.notice.kind, drawable(message.notice.text));
    case "failed": {
      const { failure, doing } = message;
      const hint = failure.hint === undefined ? "" : ` (${failure.hint})`;
      const why = failure.why === undefined ? "" : `: ${failure.why}`;
      return say({ ...state, nowMs: message.nowMs }, "error", `${doing}: ${failure.message}${why}${hint}`);
    }
    case "token-created":
      return noEffect({
        ...state,
        overlay: {
          kind: "reveal",
          title: `Token ${message.name}`,
          lines: ["This is the only time that it is shown. y copies it, Enter closes."],
          secret: message.secret,
        },
      });
    default:
      return message satisfies never;
  }
}

function press(state: AdminState, key: KeyPress): Update {
  if (state.overlay !== undefined) {
    const { run, ...done } = pressInOverlay(state, state.overlay, key);
    if (run === undefined) return done;
    const ran = runCommand(done.state, run);
    return { state: ran.state, effects: [...done.effects, ...ran.effects] };
  }
  const command = commandFor(keyName(key), state.screen);
  return command === undefined ? noEffect(state) : runCommand(state, command);
}

/** Orders are let go, and messages, when their time is over. */
function tick(state: AdminState): AdminState {
  let after = state;
  if (after.notice !== undefined && after.notice.untilMs <= after.nowMs) after = { ...after, notice: undefined };
  const screens: readonly Screen[] = [...SCREENS, "agent"];
  for (const screen of screens) {
    const { held } = after.lists[screen];
    if (held !== undefined && held.untilMs <= after.nowMs) after = withList(after, { held: undefined }, screen);
  }
  return after;
}

function withFeed(state: AdminState, feed: FeedName, to: FeedState): AdminState {
  return { ...state, feeds: { ...state.feeds, [feed]: to } };
}

function changes(state: AdminState, { changes: told, nowMs }: Extract<Message, { kind: "changes" }>): Update {
  const after = applyChanges(settleCursor(state), told, nowMs);
  const types = new Set((told.events ?? []).flatMap((event) => (event === "gap" ? [] : [event.type.split(".")[0]])));
  // Users, plans and tokens have no watch of their own: an event about them is the sign to ask again.
  const effects: Update["effects"] = [
    ...(types.has("user") && state.me.isAdmin ? [{ kind: "load", what: "users" } as const] : []),
    ...(types.has("plan") && state.me.isAdmin ? [{ kind: "load", what: "plans" } as const] : []),
    ...(types.has("token") && state.screen === "tokens" ? [{ kind: "load", what: "tokens" } as const] : []),
    ...(types.has("mfa") && state.detailsOf !== undefined
      ? [{ kind: "load-lock", agentId: state.detailsOf } as const]
      : []),
  ];
  const gone = after.screen === "agent" && after.detailsOf !== undefined && !after.agents.has(after.detailsOf);
  if (!gone) return { state: after, effects };
  const name = state.agents.get(after.detailsOf ?? "")?.name ?? "the agent";
  return {
    state: withNotice(
      { ...after, screen: after.detailsFrom, detailsOf: undefined },
      "info",
      `${name} has been deleted`,
    ),
    effects,
  };
}
