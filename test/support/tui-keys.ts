// Keys given to a state of the admin TUI, without a terminal.

import type { KeyPress } from "../../src/admin-tui/keys/key-press.ts";
import type { Update } from "../../src/admin-tui/state/messages.ts";
import type { AdminState } from "../../src/admin-tui/state/model.ts";
import { update } from "../../src/admin-tui/state/update.ts";
import { viewOf } from "../../src/admin-tui/state/view.ts";

/** One after the other, as the table of commands names them: "j", "enter", "ctrl+d", "space". */
export function press(state: AdminState, ...names: string[]): Update {
  let now: Update = { state, effects: [] };
  for (const name of names) {
    const next = update(now.state, { kind: "key", press: keyOf(name), nowMs: now.state.nowMs });
    now = { state: next.state, effects: [...now.effects, ...next.effects] };
  }
  return now;
}

/** Every letter of a text. */
export function type(state: AdminState, text: string): AdminState {
  return press(state, ...letters(text)).state;
}

/** What is one key each. */
export function letters(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

/** What stands in the field that has the caret is replaced. */
export function fill(state: AdminState, text: string): AdminState {
  return type(press(state, "ctrl+e", "ctrl+u").state, text);
}

export function tick(state: AdminState, afterMs: number): AdminState {
  return update(state, { kind: "tick", nowMs: state.nowMs + afterMs }).state;
}

/** The ids that the open list shows, in its order. */
export function shown(state: AdminState): readonly string[] {
  return viewOf(state, state.screen).ids;
}

function keyOf(name: string): KeyPress {
  if (name === "space") return { kind: "character", text: " " };
  return letters(name).length === 1 ? { kind: "character", text: name } : { kind: "named", name };
}
