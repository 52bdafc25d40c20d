// Keys in a line of text.

import type { KeyPress } from "../keys/key-press.ts";
import type { TextField } from "./overlay.ts";

/** A name has at most 100 characters, a filter some terms: more is a paste that went wrong. */
const MAX_LENGTH = 500;

/** Controls, and what turns the direction of writing. */
const NO_TEXT = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

const graphemes = new Intl.Segmenter();

/** Undefined: the key is none that edits. */
export function editText(field: TextField, press: KeyPress): TextField | undefined {
  if (press.kind === "character") return insertText(field, press.text);
  const { value, caret } = field;
  switch (press.name) {
    case "left":
      return { ...field, caret: before(value, caret) };
    case "right":
      return { ...field, caret: after(value, caret) };
    case "home":
    case "ctrl+a":
      return { ...field, caret: 0 };
    case "end":
    case "ctrl+e":
      return { ...field, caret: value.length };
    // Ink calls the backspace of some terminals "delete".
    case "backspace":
    case "delete":
      return without(field, before(value, caret), caret);
    case "ctrl+d":
      return without(field, caret, after(value, caret));
    case "ctrl+u":
      return without(field, 0, caret);
    case "ctrl+k":
      return without(field, caret, value.length);
    case "ctrl+w":
      return without(field, value.slice(0, caret).search(/\S*\s*$/), caret);
    default:
      return undefined;
  }
}

/** Lines of a paste become one; what would be no text is left out. */
export function insertText(field: TextField, text: string): TextField {
  const { value, caret } = field;
  const clean = text.replace(/[\r\n\t]+/g, " ").replace(NO_TEXT, "");
  const added = clean.slice(0, Math.max(0, MAX_LENGTH - value.length));
  return { ...field, value: value.slice(0, caret) + added + value.slice(caret), caret: caret + added.length };
}

function without(field: TextField, from: number, to: number): TextField {
  return { ...field, value: field.value.slice(0, from) + field.value.slice(to), caret: from };
}

function before(value: string, caret: number): number {
  return [...graphemes.segment(value)].findLast(({ index }) => index < caret)?.index ?? 0;
}

function after(value: string, caret: number): number {
  return [...graphemes.segment(value)].find(({ index }) => index > caret)?.index ?? value.length;
}
