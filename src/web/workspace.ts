// The panes side by side and on top of each other. The document is the tree: a split is an element with two halves.

import { type Direction, divider } from "./divider.ts";
import { element } from "./element.ts";
import { Pane, type PaneDeps } from "./pane.ts";
import { paneEnd } from "./pane-end.ts";
import { PaneFrame } from "./pane-frame.ts";
import { isSameTarget, type PaneTarget } from "./pane-target.ts";
import type { ServerApi } from "./server-api.ts";
import type { SharedPane } from "./share-dialog.ts";

export interface WorkspaceDeps extends Omit<PaneDeps, "api" | "end" | "login"> {
  /** Of the present login. */
  api(): ServerApi;
  logIn(): void;
  share(shared: SharedPane): void;
  /** Panes came or went, or another one has the focus. */
  onChange(): void;
  /** More than this is not opened. */
  onFull(maxPanes: number): void;
}

/** Each draws a screen and holds its history; more than these nobody reads at once. */
const MAX_PANES = 12;

export class Workspace {
  readonly root = element("section", { className: "workspace", ariaLabel: "Terminals" });
  readonly #deps: WorkspaceDeps;
  /** In the order in which they were opened. */
  readonly #panes: Pane[] = [];
  #current: Pane | undefined;

  constructor(deps: WorkspaceDeps) {
    this.#deps = deps;
    this.root.addEventListener("focusin", ({ target }) => {
      const pane = this.#panes.find(({ frame }) => target instanceof Node && frame.root.contains(target));
      if (pane !== undefined) this.#select(pane);
    });
  }

  get panes(): readonly Pane[] {
    return this.#panes;
  }

  get current(): Pane | undefined {
    return this.#current;
  }

  /** Shows the one that is open already, or opens it beside the current one. */
  open(target: PaneTarget): void {
    const known = target.kind === "main" && this.#panes.find((pane) => isSameTarget(pane.target, target));
    if (known) return this.focus(known);
    this.#add(target, "beside");
  }

  /** Beside or below the current pane, on the same agent. */
  split(direction: Direction, kind: PaneTarget["kind"]): void {
    if (this.#current) this.#add({ ...this.#current.target, kind, isReadOnly: false }, direction);
  }

  focus(pane: Pane): void {
    this.#select(pane);
    pane.focus();
  }

  /** The next one in the order of the page, or the one before. */
  focusNext(step: 1 | -1): void {
    const shown = [...this.root.querySelectorAll(".pane")];
    const at = shown.findIndex((root) => root === this.#current?.frame.root);
    const next = shown.at((at + step) % shown.length);
    const pane = this.#panes.find(({ frame }) => frame.root === next);
    if (pane !== undefined) this.focus(pane);
  }

  close(pane: Pane): void {
    const { root } = pane.frame;
    const split = root.parentElement;
    const other = [...(split?.children ?? [])].find((child) => child !== root && !child.classList.contains("divider"));
    const at = this.#panes.indexOf(pane);
    this.#panes.splice(at, 1);
    pane.dispose();
    // The other half takes the place of both.
    if (other !== undefined && split !== null && split !== this.root) split.replaceWith(other);
    this.#current = undefined;
    const next = this.#panes[Math.max(0, at - 1)];
    if (next === undefined) this.#deps.onChange();
    else this.focus(next);
  }

  closeAll(): void {
    for (const pane of [...this.#panes]) this.close(pane);
  }

  #add(target: PaneTarget, direction: Direction): void {
    if (this.#panes.length >= MAX_PANES) return this.#deps.onFull(MAX_PANES);
    const frame: PaneFrame = new PaneFrame(target, {
      split: (where, kind) => {
        this.#select(pane);
        this.split(where, kind);
      },
      upload: () => pane.files?.upload(),
      download: () => pane.files?.download(),
      close: () => this.close(pane),
      share: () => pane.sessionId && this.#deps.share({ agent: target.agent, sessionId: pane.sessionId }),
    });
    this.#place(frame.root, direction);
    const pane: Pane = new Pane(frame, target, {
      ...this.#deps,
      login: () => this.#deps.api(),
      end: (outcome, again) =>
        paneEnd(outcome, pane.target.isReadOnly, {
          ...again,
          logIn: () => this.#deps.logIn(),
          close: () => this.close(pane),
          verify: (code) => pane.unlock(code),
        }),
    });
    this.#panes.push(pane);
    this.focus(pane);
  }

  #place(root: HTMLElement, direction: Direction): void {
    const beside = this.#current?.frame.root;
    if (beside === undefined) return this.root.append(root);
    const split = element("div", { className: `split ${direction}` });
    beside.replaceWith(split);
    split.append(beside, divider(split, direction), root);
  }

  #select(pane: Pane): void {
    this.#current = pane;
    for (const each of this.#panes) each.frame.root.classList.toggle("current", each === pane);
    this.#deps.onChange();
  }
}
