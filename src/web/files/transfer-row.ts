// One file on its way, as people see it: its name, how far it is, and what they can do about it.

import { element } from "../element.ts";
import { progressText, type Progress } from "./transfer-text.ts";

export interface RowAction {
  label: string;
  run: () => void;
}

const SIGN = { up: "↑", down: "↓" } as const;
const WORD = { up: "Upload of", down: "Download of" } as const;

export class TransferRow {
  readonly root: HTMLElement;
  readonly #bar = element("progress", { hidden: true });
  readonly #figures = element("span", { className: "transfer-figures" });
  readonly #told = element("span", { className: "transfer-told", role: "status" });
  readonly #buttons = element("span", { className: "transfer-buttons" });
  #progress: Progress | undefined;
  #frame = 0;

  constructor(direction: "up" | "down", title: string) {
    const sign = element("span", { className: "transfer-sign", ariaHidden: "true" }, SIGN[direction]);
    const name = element("span", { className: "transfer-name", title }, title);
    this.#bar.ariaLabel = title;
    this.root = element(
      "li",
      { className: "transfer", ariaLabel: `${WORD[direction]} ${title}` },
      sign,
      name,
      this.#figures,
      this.#told,
      this.#buttons,
      this.#bar,
    );
  }

  /** It is what it says, until the next call. */
  show(text: string, { isTrouble = false, actions }: { isTrouble?: boolean; actions: readonly RowAction[] }): void {
    cancelAnimationFrame(this.#frame);
    this.#progress = undefined;
    this.#bar.hidden = true;
    this.#figures.textContent = "";
    this.#told.textContent = text;
    this.#told.classList.toggle("trouble", isTrouble);
    this.#offer(actions);
  }

  /** Bytes flow. */
  showProgress(doneBytes: number, totalBytes: number): void {
    if (this.#progress === undefined) this.note("");
    const { sinceMs, doneBefore } = this.#progress ?? { sinceMs: performance.now(), doneBefore: doneBytes };
    this.#progress = { doneBytes, totalBytes, sinceMs, doneBefore };
    // One look for each frame that is drawn, however many pieces come meanwhile.
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Beside the figures, which stay. */
  note(text: string): void {
    this.#told.textContent = text;
    this.#told.classList.remove("trouble");
  }

  #draw(): void {
    if (this.#progress === undefined) return;
    const { doneBytes, totalBytes } = this.#progress;
    this.#bar.hidden = false;
    this.#bar.max = Math.max(1, totalBytes);
    this.#bar.value = totalBytes === 0 ? 1 : doneBytes;
    this.#figures.textContent = progressText(this.#progress, performance.now());
  }

  #offer(actions: readonly RowAction[]): void {
    const hadFocus = this.#buttons.contains(document.activeElement);
    const buttons = actions.map(({ label, run }) => element("button", { type: "button", onclick: run }, label));
    this.#buttons.replaceChildren(...buttons);
    if (hadFocus) buttons[0]?.focus();
  }
}
