// What stands around a terminal: its title, its buttons, the banner of its connection.

import { MAIN_SESSION, type SessionId } from "../protocol/ids.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import { element, iconButton } from "./element.ts";
import { menu } from "./menu.ts";
import type { PaneTarget } from "./pane-target.ts";

export interface PaneActions {
  split(direction: "beside" | "below", kind: "main" | "new"): void;
  upload(): void;
  download(): void;
  close(): void;
}

/** A connection that is back within this was never gone, for a human. */
const PATIENCE_MS = 700;
/** Long enough to be read. */
const NOTE_MS = 10_000;

export class PaneFrame {
  readonly root: HTMLElement;
  /** What the terminal is in, and what is drawn over it. */
  readonly stage: HTMLElement;
  /** For the terminal. */
  readonly body = element("div", { className: "pane-body" });
  /** For what stands below it when it has ended. */
  readonly foot = element("div", { className: "pane-foot" });
  readonly #session = element("span", { className: "pane-session" });
  readonly #size = element("span", { className: "pane-size" });
  readonly #menus = element("span", { className: "pane-menus" });
  readonly #files: HTMLElement;
  readonly #banner = element("div", { className: "pane-banner", role: "status", hidden: true });
  #timer: ReturnType<typeof setTimeout> | undefined;
  #shown = { text: "", isTrouble: false };

  constructor({ agent, kind, isReadOnly }: PaneTarget, actions: PaneActions) {
    this.#session.textContent = sessionText(kind === "main" ? MAIN_SESSION : undefined, isReadOnly);
    const title = element("span", { className: "pane-title" }, element("strong", {}, agent.name), this.#session);
    this.#files = filesMenu(agent.name, actions);
    this.#files.hidden = isReadOnly;
    this.#menus.append(this.#files, splitMenu(actions));
    this.stage = element("div", { className: "pane-stage" }, this.body, this.#banner);
    const close = iconButton("close", `Close this view of ${agent.name}`, () => actions.close());
    this.root = element(
      "section",
      { className: "pane", ariaLabel: `${agent.name}${isReadOnly ? ", watching" : ""}` },
      element("header", { className: "pane-header" }, title, this.#size, this.#menus, close),
      this.stage,
      this.foot,
    );
  }

  showSession({ sessionId, isReadOnly }: { sessionId: SessionId; isReadOnly: boolean }): void {
    this.#session.textContent = sessionText(sessionId, isReadOnly);
    this.#files.hidden = isReadOnly;
  }

  /** Before the menus. */
  addControl(control: HTMLElement): void {
    this.#menus.prepend(control);
  }

  showSize({ cols, rows }: TerminalSize, isOurs: boolean): void {
    this.#size.textContent = `${cols}×${rows}`;
    this.#size.title = isOurs ? "" : "The shell has the size of another window. It gets this one’s when you type here.";
    this.#size.classList.toggle("foreign", !isOurs);
    this.body.classList.toggle("foreign", !isOurs);
  }

  /** Trouble waits a moment before it is shown, and stays; a note goes by itself. */
  showBanner(text: string, { isTrouble, isAtBottom }: { isTrouble: boolean; isAtBottom: boolean }): void {
    if (text === this.#shown.text && isTrouble === this.#shown.isTrouble) return;
    const isTroubleSeen = this.#shown.isTrouble && !this.#banner.hidden;
    this.#shown = { text, isTrouble };
    clearTimeout(this.#timer);
    this.#banner.classList.toggle("at-bottom", isAtBottom);
    if (isTrouble && !isTroubleSeen) {
      this.#draw("", false);
      this.#timer = setTimeout(() => this.#draw(text, true), PATIENCE_MS);
      return;
    }
    this.#draw(text, isTrouble);
    if (!isTrouble) this.#timer = setTimeout(() => this.#draw("", false), NOTE_MS);
  }

  /** No timer stays behind. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.root.remove();
  }

  #draw(text: string, isTrouble: boolean): void {
    this.#banner.textContent = text;
    this.#banner.hidden = text === "";
    this.#banner.classList.toggle("trouble", isTrouble);
  }
}

function sessionText(sessionId: SessionId | undefined, isReadOnly: boolean): string {
  const shell = sessionId === MAIN_SESSION ? "main" : "own shell";
  return isReadOnly ? `${shell}, watching` : shell;
}

function splitMenu(actions: PaneActions): HTMLElement {
  return menu("Split", "Split this view", [
    { label: "New shell beside", run: () => actions.split("beside", "new") },
    { label: "New shell below", run: () => actions.split("below", "new") },
    { label: "Shared main beside", run: () => actions.split("beside", "main") },
    { label: "Shared main below", run: () => actions.split("below", "main") },
  ]);
}

function filesMenu(agentName: string, actions: PaneActions): HTMLElement {
  return menu("Files", `Files of ${agentName}`, [
    { label: "Upload…", run: () => actions.upload() },
    { label: "Download…", run: () => actions.download() },
  ]);
}
