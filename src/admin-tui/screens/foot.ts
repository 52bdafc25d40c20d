// The last lines: what has happened to the last command, and which keys there are.

import { refusalOf, offeredCommands } from "../keys/availability.ts";
import { type Command, keyLabel } from "../keys/commands.ts";
import type { AdminState } from "../state/model.ts";
import type { Line, Span } from "../theme/styles.ts";
import { spinner, SPINNER_AFTER_MS } from "./spinner.ts";

const MARKS = { ok: " ok: ", info: " ", error: " ! " } as const;

export function drawMessage(state: AdminState): Line {
  const { pending, notice, nowMs } = state;
  if (pending !== undefined && nowMs - pending.sinceMs >= SPINNER_AFTER_MS) {
    const count = pending.total > 1 ? ` ${pending.done}/${pending.total}` : "";
    return [{ text: ` ${spinner(state, `${pending.label}${count}`)}`, style: "warn" }];
  }
  if (notice === undefined) return [];
  const style = notice.kind === "error" ? "bad" : notice.kind === "ok" ? "ok" : "plain";
  return [{ text: `${MARKS[notice.kind]}${notice.text}`, style }];
}

/** As many as have room, the most wanted first. */
export function drawHints(state: AdminState, cols: number): Line {
  const hints = hintsOf(state);
  const spans: Span[] = [];
  let left = cols - 1;
  for (const { key, text, isDim } of hints) {
    const width = key.length + text.length + 3;
    if (width > left) continue;
    left -= width;
    spans.push({ text: ` ${key}`, style: isDim ? "dim" : "key" }, { text: ` ${text} `, style: "dim" });
  }
  return spans;
}

interface Hint {
  key: string;
  text: string;
  isDim: boolean;
}

function hintsOf(state: AdminState): Hint[] {
  const keys = (pairs: readonly (readonly [string, string])[]): Hint[] =>
    pairs.map(([key, text]) => ({ key, text, isDim: false }));
  switch (state.overlay?.kind) {
    case "filter":
      return keys([
        ["Enter", "keep"],
        ["Esc", "drop"],
        ["key:value", "status user tag region"],
        ["-word", "not"],
      ]);
    case "palette":
      return keys([
        ["Enter", "run"],
        ["Up/Down", "choose"],
        ["Esc", "close"],
      ]);
    case "confirm":
      return keys([
        ["Tab", "choose"],
        ["Enter", "go"],
        ["Esc", "cancel"],
      ]);
    case "form":
      return keys([
        ["Enter", "next, send"],
        ["Tab", "field"],
        ["Esc", "cancel"],
      ]);
    case "help":
      return keys([
        ["j/k", "scroll"],
        ["any other", "close"],
      ]);
    case "reveal":
      return keys([
        ["y", "copy"],
        ["Enter", "close"],
      ]);
    case undefined:
      return offeredCommands(state)
        .filter(({ hintOrder }) => hintOrder !== undefined)
        .toSorted((a, b) => (a.hintOrder ?? 0) - (b.hintOrder ?? 0))
        .map((command) => hintOf(command, state));
    default:
      return state.overlay satisfies never;
  }
}

function hintOf(command: Command, state: AdminState): Hint {
  return { key: keyLabel(command.keys[0] ?? ""), text: command.hint, isDim: refusalOf(command, state) !== undefined };
}
