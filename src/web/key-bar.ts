// The keys that a phone's keyboard lacks.

import { element } from "./element.ts";

export interface KeyBarDeps {
  press(keys: string): void;
  /** Whether arrows are ESC O A (vim, less) or ESC [ A. */
  isCursorApplication(): boolean;
}

const KEYS: readonly { label: string; name: string; keys: string }[] = [
  { label: "Esc", name: "Escape", keys: "\x1b" },
  { label: "Tab", name: "Tab", keys: "\t" },
];
const ARROWS: readonly { label: string; name: string; final: string }[] = [
  { label: "←", name: "Left", final: "D" },
  { label: "↓", name: "Down", final: "B" },
  { label: "↑", name: "Up", final: "A" },
  { label: "→", name: "Right", final: "C" },
];

export class KeyBar {
  readonly root: HTMLElement;
  readonly #ctrl = element("button", { type: "button", ariaPressed: "false" }, "Ctrl");

  constructor(deps: KeyBarDeps) {
    const button = (label: string, name: string, onclick: () => void) =>
      element("button", { type: "button", ariaLabel: name, onclick }, label);
    this.#ctrl.addEventListener("click", () => this.#hold(!this.#isHeld));
    this.root = element(
      "div",
      { className: "key-bar", role: "toolbar", ariaLabel: "Keys" },
      ...KEYS.map(({ label, name, keys }) => button(label, name, () => deps.press(keys))),
      this.#ctrl,
      ...ARROWS.map(({ label, name, final }) =>
        button(label, name, () => deps.press(`\x1b${deps.isCursorApplication() ? "O" : "["}${final}`)),
      ),
    );
    // The terminal keeps the focus, and a phone its keyboard.
    this.root.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** What was typed, with Ctrl where that is held: for one key. */
  withCtrl(bytes: Uint8Array): Uint8Array {
    if (!this.#isHeld || bytes.length !== 1) return bytes;
    this.#hold(false);
    return bytes.map(controlOf);
  }

  get #isHeld(): boolean {
    return this.#ctrl.ariaPressed === "true";
  }

  #hold(isHeld: boolean): void {
    this.#ctrl.ariaPressed = String(isHeld);
  }
}

/** Ctrl+C is 3, as in ASCII's two columns; what has no control character stays. */
export function controlOf(byte: number): number {
  const isLetter = (byte >= 0x40 && byte <= 0x5f) || (byte >= 0x61 && byte <= 0x7a);
  return isLetter ? byte & 0x1f : byte;
}
