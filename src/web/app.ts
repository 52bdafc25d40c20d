// The page as a whole: its parts, the login that they share, and what leads from one to another.

import { AgentList } from "./agent-list.ts";
import { AgentPoll } from "./agent-poll.ts";
import { element, iconButton } from "./element.ts";
import { refuseOtherDrops } from "./files/drop-zone.ts";
import { KeyBar } from "./key-bar.ts";
import { keysDialog } from "./keys-dialog.ts";
import { LoginForm } from "./login-form.ts";
import { RecordingsDialog } from "./recordings-dialog.ts";
import { failureText } from "./refusal-text.ts";
import { createServerApi, RefusedError, type ServerApi } from "./server-api.ts";
import { createShareApi } from "./share-api.ts";
import { ShareDialog } from "./share-dialog.ts";
import { type Command, commandOf } from "./shortcuts.ts";
import { Workspace } from "./workspace.ts";

const LOGGED_OUT = "Your login has ended. Log in again to go on; what you had open is still here.";

export class App {
  readonly #login = new LoginForm({ logIn: (token) => this.#logIn(token) });
  readonly #list = new AgentList({
    open: (target) => {
      // First: what is not shown takes no focus, and has no size.
      this.#showTerminals(true);
      this.#workspace.open(target);
    },
  });
  readonly #keys = new KeyBar({
    press: (keys) => this.#workspace.current?.press(keys),
    isCursorApplication: () => this.#workspace.current?.isCursorApplication ?? false,
  });
  readonly #workspace = new Workspace({
    api: () => this.#requireApi(),
    webSocketOrigin: location.origin.replace(/^http/, "ws"),
    typed: (bytes) => this.#keys.withCtrl(bytes),
    logIn: () => this.#askAgain(),
    share: (shared) => this.#share.open(shared),
    onChange: () => this.#onPanes(),
    onFull: (maxPanes) => this.#say(`${maxPanes} views are open already. Close one first.`),
  });
  readonly #poll = new AgentPoll({
    api: () => this.#requireApi(),
    onAgents: (page) => {
      this.#say("");
      this.#list.show(page);
    },
    onTrouble: (error) => this.#onTrouble(error),
  });
  readonly #share = new ShareDialog({
    api: () => createShareApi(this.#requireApi().token),
    origin: location.origin,
  });
  readonly #message = element("span", { className: "message", role: "status" });
  readonly #position = element("span", { className: "position" });
  readonly #page: HTMLElement;
  #api: ServerApi | undefined;

  constructor() {
    const dialog = keysDialog();
    const recordings = new RecordingsDialog(() => this.#requireApi());
    const bar = element(
      "header",
      { className: "bar" },
      iconButton("back", "Back to the list of agents", () => this.#showTerminals(false)),
      element("span", { className: "brand" }, "rexec"),
      this.#message,
      this.#position,
      iconButton("next", "Next view", () => this.#workspace.focusNext(1)),
      element("button", { type: "button", onclick: () => recordings.show() }, "Recordings"),
      element("button", { type: "button", className: "keys-button", onclick: () => dialog.showModal() }, "Keys"),
      element("button", { type: "button", onclick: () => this.#logOut() }, "Log out"),
    );
    const main = element("main", { className: "main" }, this.#list.root, this.#workspace.root);
    this.#page = element(
      "div",
      { className: "page", hidden: true },
      bar,
      main,
      this.#keys.root,
      dialog,
      recordings.root,
      this.#share.root,
    );
  }

  start(root: HTMLElement): void {
    root.append(this.#login.root, this.#page);
    this.#login.show("");
    this.#onPanes();
    window.addEventListener("keydown", (event) => this.#onKey(event), { capture: true });
    window.addEventListener("beforeunload", (event) => {
      // Ctrl+W means a word to a shell, and the whole page to a browser.
      if (this.#workspace.panes.some(({ isLive, files }) => isLive || files?.isUnderWay)) event.preventDefault();
    });
    refuseOtherDrops();
  }

  /** Another page takes its place. */
  leave(): void {
    this.#workspace.closeAll();
    this.#poll.stop();
    this.#page.hidden = true;
    this.#page.remove();
    this.#login.root.remove();
  }

  async #logIn(token: string): Promise<void> {
    const api = createServerApi(token);
    const page = await api.listAgents();
    this.#api = api;
    this.#list.show(page);
    this.#page.hidden = false;
    this.#poll.start();
    for (const pane of this.#workspace.panes) pane.onLogIn();
    if (this.#workspace.current) this.#workspace.focus(this.#workspace.current);
    // On a phone it would bring up the keyboard.
    else if (matchMedia("(pointer: fine)").matches) this.#list.focus();
  }

  #logOut(): void {
    this.#workspace.closeAll();
    this.#list.clear();
    this.#showTerminals(false);
    this.#askAgain("");
  }

  /** The terminals stay, hidden: who logs in again goes on with them. */
  #askAgain(message = LOGGED_OUT): void {
    this.#poll.stop();
    this.#api = undefined;
    // One that is open keeps everything else from being clicked, the login as well.
    for (const dialog of this.#page.querySelectorAll("dialog")) dialog.close();
    this.#page.hidden = true;
    this.#login.show(message);
  }

  #requireApi(): ServerApi {
    if (this.#api === undefined) throw new Error("nobody is logged in");
    return this.#api;
  }

  #onTrouble(error: unknown): void {
    if (error instanceof RefusedError && error.refusal.status === 401) return this.#askAgain();
    this.#say(failureText(error));
  }

  #say(text: string): void {
    this.#message.textContent = text;
  }

  #onPanes(): void {
    const { panes, current } = this.#workspace;
    this.#position.textContent = panes.length > 1 && current ? `${panes.indexOf(current) + 1} of ${panes.length}` : "";
    this.#page.classList.toggle("has-panes", panes.length > 0);
    this.#page.classList.toggle("has-several", panes.length > 1);
    if (panes.length === 0) this.#showTerminals(false);
    document.title = current ? `${current.target.agent.name} · rexec` : "rexec";
  }

  /** On a phone one of the two is shown; elsewhere both are. */
  #showTerminals(isShown: boolean): void {
    this.#page.classList.toggle("shows-terminals", isShown);
  }

  #onKey(event: KeyboardEvent): void {
    const command = commandOf(event);
    if (command === undefined || this.#page.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    this.#run(command);
  }

  #run(command: Command): void {
    const { current } = this.#workspace;
    switch (command) {
      case "next":
        return this.#workspace.focusNext(1);
      case "previous":
        return this.#workspace.focusNext(-1);
      case "beside":
      case "below":
        return this.#workspace.split(command, "new");
      case "close":
        return current && this.#workspace.close(current);
      case "list":
        this.#showTerminals(false);
        return this.#list.focus();
      default:
        command satisfies never;
    }
  }
}
