// What lies over a screen and takes the keys: help, palette, the filter's line, dialogs.

import type { Effect, TerminalToOpen } from "./effects.ts";

/** A line of text being edited. */
export interface TextField {
  label: string;
  value: string;
  /** Where the next character goes, in UTF-16 units. */
  caret: number;
  /** What stands there while it is empty. */
  placeholder?: string;
}

export type Overlay =
  | { kind: "help"; top: number }
  /** `isActions`: what can be done with the row under the cursor, and nothing else. */
  | { kind: "palette"; input: TextField; index: number; isActions: boolean }
  /** `before`: what Escape puts back. */
  | { kind: "filter"; input: TextField; before: string }
  | Confirm
  | Form
  /** Something that is shown once: a token. */
  | { kind: "reveal"; title: string; lines: readonly string[]; secret: string };

/** Cancel is preselected. `typed`: what has to be typed before it can be said yes to; undefined where nothing. */
export interface Confirm {
  kind: "confirm";
  title: string;
  lines: readonly string[];
  /** The button's text, "Delete". */
  action: string;
  typed: { expected: string; input: TextField } | undefined;
  isYes: boolean;
  effect: Effect;
}

export interface Form {
  kind: "form";
  form: FormOf;
  title: string;
  lines: readonly string[];
  fields: readonly TextField[];
  focus: number;
  /** What was wrong with the last attempt. */
  problem: string | undefined;
}

/** What a form is for, and whom it is about. */
export type FormOf =
  | { name: "rename"; agentId: string }
  | { name: "unlock"; agentId: string; agentName: string }
  | { name: "terminal-code"; terminal: TerminalToOpen }
  | { name: "user-plan"; userId: string; userName: string }
  | { name: "plan-limits" }
  | { name: "token" }
  | { name: "export" };

export function textField(label: string, value = "", more: Partial<TextField> = {}): TextField {
  return { label, value, caret: value.length, ...more };
}
