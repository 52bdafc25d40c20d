// The page of a guest: one session that somebody shares, and nothing else.

import { MAIN_SESSION } from "../protocol/ids.ts";
import { element } from "./element.ts";
import { guestEnd, guestRefusal } from "./guest-end.ts";
import { KeyBar } from "./key-bar.ts";
import { Pane } from "./pane.ts";
import { PaneFrame } from "./pane-frame.ts";
import { createGuestApi, type GuestApi, type SharedSession } from "./share-api.ts";
import { untilText } from "./until-text.ts";

export class SharedPage {
  readonly #api: GuestApi;
  readonly #about = element("span", { className: "shared-about", role: "status" }, "Opening what is shared…");
  readonly #keys = new KeyBar({
    press: (keys) => this.#pane?.press(keys),
    isCursorApplication: () => this.#pane?.isCursorApplication ?? false,
  });
  readonly #main = element("main", { className: "workspace shared-session" });
  readonly #page: HTMLElement;
  readonly #onLeaving = (event: BeforeUnloadEvent): void => {
    // Ctrl+W means a word to a shell, and the whole page to a browser.
    if (this.#pane?.isLive) event.preventDefault();
  };
  #pane: Pane | undefined;

  /** The secret stays here: a reload forgets it. */
  constructor(secret: string) {
    this.#api = createGuestApi(secret);
    const bar = element("header", { className: "bar" }, element("span", { className: "brand" }, "rexec"), this.#about);
    this.#page = element("div", { className: "page shows-terminals" }, bar, this.#main, this.#keys.root);
  }

  start(root: HTMLElement): void {
    root.append(this.#page);
    window.addEventListener("beforeunload", this.#onLeaving);
    void this.#open();
  }

  /** Another page takes its place. */
  leave(): void {
    window.removeEventListener("beforeunload", this.#onLeaving);
    this.#pane?.dispose();
    this.#page.remove();
  }

  async #open(): Promise<void> {
    this.#main.replaceChildren();
    try {
      const shared = await this.#api.describe();
      if (shared === undefined) throw new Error("another server's answer");
      this.#show(shared);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #show(shared: SharedSession): void {
    const { agent, sessionId, access } = shared;
    const isReadOnly = access === "watch";
    this.#about.textContent = aboutText(shared);
    document.title = `${agent.name} · rexec`;
    this.#page.classList.toggle("has-panes", !isReadOnly);
    const kind = sessionId === MAIN_SESSION ? "main" : "new";
    const target = { agent, kind, sessionId, isReadOnly } as const;
    const frame = new PaneFrame(target);
    frame.root.classList.add("current");
    this.#main.append(frame.root);
    this.#pane = new Pane(frame, target, {
      api: () => this.#api,
      webSocketOrigin: location.origin.replace(/^http/, "ws"),
      typed: (bytes) => this.#keys.withCtrl(bytes),
      end: (outcome, again) => guestEnd(outcome, () => again.openAgain()),
    });
    this.#pane.focus();
  }

  #refuse(error: unknown): void {
    const { text, isOver } = guestRefusal(error);
    this.#about.textContent = "";
    const again = element("button", { type: "button", onclick: () => void this.#open() }, "Try again");
    const said = element("p", { role: "alert" }, text);
    this.#main.append(element("div", { className: "shared-refused" }, said, ...(isOver ? [] : [again])));
  }
}

function aboutText({ agent, sessionId, sharedBy, access, expiresAt }: SharedSession): string {
  const session = sessionId === MAIN_SESSION ? "main" : "a shell";
  const may = access === "type" ? "you can type" : "you can watch";
  return `${sharedBy} shares ${session} of ${agent.name} with you: ${may} until ${untilText(expiresAt)}`;
}
