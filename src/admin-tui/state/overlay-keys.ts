// Keys while something lies over the screen. Plain letters go into its text and nowhere else.

import type { Command, CommandId } from "../keys/commands.ts";
import { offeredCommands } from "../keys/availability.ts";
import { type KeyPress, keyName } from "../keys/key-press.ts";
import { submitForm } from "./actions/forms.ts";
import { lastHelpTop } from "./help.ts";
import { withList } from "./lists.ts";
import { type Update, noEffect } from "./messages.ts";
import type { AdminState } from "./model.ts";
import type { Confirm, Form, Overlay, TextField } from "./overlay.ts";
import { editText, insertText } from "./text-edit.ts";

/** run: the overlay is gone, and this command is given. */
export type OverlayUpdate = Update & { run?: CommandId };

export function pressInOverlay(state: AdminState, overlay: Overlay, press: KeyPress): OverlayUpdate {
  const name = keyName(press);
  if (name === "escape" || name === "ctrl+c") return noEffect(dismissed(state, overlay));
  switch (overlay.kind) {
    case "help":
      return noEffect(pressInHelp(state, overlay, name));
    case "filter":
      return noEffect(pressInFilter(state, overlay, press));
    case "palette":
      return pressInPalette(state, overlay, press);
    case "confirm":
      return pressInConfirm(state, overlay, press);
    case "form":
      return pressInForm(state, overlay, press);
    case "reveal":
      if (name === "y") return { state, effects: [{ kind: "copy", text: overlay.secret }] };
      return noEffect(name === "enter" || name === "q" ? closed(state) : state);
    default:
      return overlay satisfies never;
  }
}

export function pasteInOverlay(state: AdminState, overlay: Overlay, text: string): AdminState {
  switch (overlay.kind) {
    case "filter":
      return withFilter(state, overlay, insertText(overlay.input, text));
    case "palette":
      return { ...state, overlay: { ...overlay, input: insertText(overlay.input, text), index: 0 } };
    case "confirm":
      if (overlay.typed === undefined) return state;
      return { ...state, overlay: withTyped(overlay, overlay.typed, insertText(overlay.typed.input, text)) };
    case "form":
      return { ...state, overlay: withField(overlay, (field) => insertText(field, text)) };
    case "help":
    case "reveal":
      return state;
    default:
      return overlay satisfies never;
  }
}

function closed(state: AdminState): AdminState {
  return { ...state, overlay: undefined };
}

function dismissed(state: AdminState, overlay: Overlay): AdminState {
  const without = closed(state);
  return overlay.kind === "filter" ? withList(without, { filter: overlay.before }) : without;
}

function pressInHelp(state: AdminState, overlay: Extract<Overlay, { kind: "help" }>, name: string): AdminState {
  const steps: Readonly<Record<string, number>> = {
    j: 1,
    down: 1,
    k: -1,
    up: -1,
    pagedown: 10,
    space: 10,
    pageup: -10,
  };
  const step = steps[name];
  if (step === undefined) return closed(state);
  return { ...state, overlay: { ...overlay, top: Math.min(Math.max(0, overlay.top + step), lastHelpTop(state)) } };
}

/** The list follows what is typed. */
function pressInFilter(state: AdminState, overlay: Extract<Overlay, { kind: "filter" }>, press: KeyPress): AdminState {
  if (keyName(press) === "enter") return closed(state);
  const input = editText(overlay.input, press);
  return input === undefined ? state : withFilter(state, overlay, input);
}

function withFilter(state: AdminState, overlay: Extract<Overlay, { kind: "filter" }>, input: TextField): AdminState {
  return withList({ ...state, overlay: { ...overlay, input } }, { filter: input.value, held: undefined });
}

function pressInPalette(
  state: AdminState,
  overlay: Extract<Overlay, { kind: "palette" }>,
  press: KeyPress,
): OverlayUpdate {
  const found = paletteCommands(state, overlay);
  const move = (by: number): Update => {
    const index = Math.min(Math.max(overlay.index + by, 0), Math.max(0, found.length - 1));
    return noEffect({ ...state, overlay: { ...overlay, index } });
  };
  switch (keyName(press)) {
    case "up":
    case "ctrl+p":
      return move(-1);
    case "down":
    case "ctrl+n":
    case "tab":
      return move(1);
    case "enter": {
      const chosen = found[overlay.index];
      return chosen === undefined ? noEffect(state) : { ...noEffect(closed(state)), run: chosen.id };
    }
    default: {
      // Among the actions a command's own key is the shortest way to it.
      const direct =
        overlay.isActions && overlay.input.value === ""
          ? found.find(({ keys }) => keys.includes(keyName(press)))
          : undefined;
      if (direct !== undefined) return { ...noEffect(closed(state)), run: direct.id };
      const input = editText(overlay.input, press);
      return noEffect(input === undefined ? state : { ...state, overlay: { ...overlay, input, index: 0 } });
    }
  }
}

/** What matches what was typed: the beginning of a name first, then anything within name or description. */
export function paletteCommands(
  state: AdminState,
  { input, isActions }: Pick<Extract<Overlay, { kind: "palette" }>, "input" | "isActions">,
): (Command & { id: CommandId })[] {
  const text = input.value.trim().toLowerCase();
  const offered = offeredCommands(state).filter(({ isAction }) => isAction || !isActions);
  const begins = offered.filter(({ id }) => id.startsWith(text));
  const holds = offered.filter(({ id, description }) => !id.startsWith(text) && `${id} ${description}`.includes(text));
  return [...begins, ...holds];
}

function pressInConfirm(state: AdminState, overlay: Confirm, press: KeyPress): Update {
  const { typed } = overlay;
  const name = keyName(press);
  switch (name) {
    case "enter":
      if (!overlay.isYes) return noEffect(closed(state));
      // Not typed yet, or not right: the dialog stays.
      if (typed !== undefined && !isRight(typed)) return noEffect(state);
      return { state: closed(state), effects: [overlay.effect] };
    case "tab":
    case "shift+tab":
      return noEffect({ ...state, overlay: { ...overlay, isYes: !overlay.isYes } });
    case "left":
    case "right":
      if (typed !== undefined) break;
      return noEffect({ ...state, overlay: { ...overlay, isYes: name === "right" } });
    default:
  }
  if (typed === undefined) return noEffect(name === "n" || name === "q" ? closed(state) : state);
  const input = editText(typed.input, press);
  return noEffect(input === undefined ? state : { ...state, overlay: withTyped(overlay, typed, input) });
}

/** Who has typed what was asked for means it: the button is the next key. */
function withTyped(overlay: Confirm, typed: NonNullable<Confirm["typed"]>, input: TextField): Confirm {
  const next = { ...typed, input };
  return { ...overlay, typed: next, isYes: isRight(next) };
}

/** Blanks around a name can't be seen, nor be asked for. */
function isRight({ expected, input }: NonNullable<Confirm["typed"]>): boolean {
  return input.value.trim() === expected.trim();
}

function pressInForm(state: AdminState, overlay: Form, press: KeyPress): Update {
  const { focus, fields } = overlay;
  const go = (by: number): Update =>
    noEffect({ ...state, overlay: { ...overlay, focus: (focus + by + fields.length) % fields.length } });
  switch (keyName(press)) {
    case "tab":
    case "down":
      return go(1);
    case "shift+tab":
    case "up":
      return go(-1);
    case "enter": {
      if (focus < fields.length - 1) return go(1);
      const sent = submitForm(state, overlay);
      if ("problem" in sent) return noEffect({ ...state, overlay: { ...overlay, problem: sent.problem } });
      return { state: closed(state), effects: [sent] };
    }
    default:
      return noEffect({ ...state, overlay: withField(overlay, (field) => editText(field, press) ?? field) });
  }
}

function withField(form: Form, edit: (field: TextField) => TextField): Form {
  const fields = form.fields.map((field, i) => (i === form.focus ? edit(field) : field));
  return { ...form, fields, problem: undefined };
}
