// Dialogs and what is said in the message line.

import type { Effect } from "../effects.ts";
import { type Update, noEffect } from "../messages.ts";
import type { AdminState, Notice } from "../model.ts";
import { textField } from "../overlay.ts";

const NOTICE_MS = 5_000;
/** An error is to be read to its end. */
const ERROR_MS = 12_000;

export function withNotice(state: AdminState, kind: Notice["kind"], text: string): AdminState {
  return { ...state, notice: { kind, text, untilMs: state.nowMs + (kind === "error" ? ERROR_MS : NOTICE_MS) } };
}

export function say(state: AdminState, kind: Notice["kind"], text: string): Update {
  return noEffect(withNotice(state, kind, text));
}

/** Cancel is preselected. */
export function askToConfirm(
  state: AdminState,
  input: { title: string; lines: readonly string[]; action: string; typed: string | undefined; effect: Effect },
): Update {
  const { typed, ...dialog } = input;
  const expected = typed === undefined ? undefined : { expected: typed, input: textField("") };
  return noEffect({ ...state, overlay: { kind: "confirm", ...dialog, typed: expected, isYes: false } });
}

/** "1 agent", "3 agents". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
