// Shares a session: makes a link, shows it once, and ends those that there are.

import type { AgentId, SessionId } from "../protocol/ids.ts";
import { element } from "./element.ts";
import { failureText } from "./refusal-text.ts";
import { shareLink } from "./share-address.ts";
import type { ListedShare, ShareApi } from "./share-api.ts";
import { untilText } from "./until-text.ts";

export interface ShareDialogDeps {
  /** Of the present login. */
  api(): ShareApi;
  /** Of this page: for the link, where the server does not know its own address. */
  origin: string;
}

/** What is shared. */
export interface SharedPane {
  agent: { id: AgentId; name: string };
  sessionId: SessionId;
}

const LIFETIMES: readonly [label: string, seconds: number][] = [
  ["15 minutes", 900],
  ["1 hour", 3_600],
  ["8 hours", 28_800],
  ["1 day", 86_400],
  ["7 days", 604_800],
];
const DEFAULT_LIFETIME_S = 3_600;

export class ShareDialog {
  readonly root: HTMLDialogElement;
  readonly #deps: ShareDialogDeps;
  readonly #title = element("h2");
  readonly #type = element("input", { type: "radio", name: "access", value: "type" });
  readonly #watch = element("input", { type: "radio", name: "access", value: "watch", checked: true });
  readonly #lifetime = element("select", { id: "share-lifetime" }, ...LIFETIMES.map(lifetimeOption));
  readonly #make = element("button", { type: "submit", className: "primary" }, "Make link");
  readonly #trouble = element("p", { className: "trouble", role: "alert" });
  readonly #link = element("input", { readOnly: true, ariaLabel: "Link", className: "share-link" });
  readonly #note = element("p", { className: "share-note", role: "status" });
  readonly #made: HTMLElement;
  readonly #list = element("ul", { className: "share-rows", ariaLabel: "Links of this session" });
  #shared: SharedPane | undefined;

  constructor(deps: ShareDialogDeps) {
    this.#deps = deps;
    const copy = element("button", { type: "button", onclick: () => void this.#copy() }, "Copy");
    const close = element("button", { type: "button", onclick: () => this.root.close() }, "Close");
    this.#made = element("div", { className: "share-made", hidden: true }, this.#link, copy, this.#note);
    const form = element(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          void this.#create();
        },
      },
      choice(this.#watch, "Watch", "Whoever has the link sees this session."),
      choice(this.#type, "Type", "Whoever has the link types into it too, as the agent’s user."),
      element("label", { htmlFor: "share-lifetime" }, "Ends after"),
      this.#lifetime,
      this.#make,
    );
    this.root = element(
      "dialog",
      { className: "share", ariaLabel: "Share", onclose: () => this.#forget() },
      this.#title,
      form,
      this.#trouble,
      this.#made,
      this.#list,
      close,
    );
  }

  open(shared: SharedPane): void {
    this.#shared = shared;
    this.#title.textContent = `Share ${shared.sessionId === "main" ? "main" : "this shell"} of ${shared.agent.name}`;
    this.#trouble.textContent = "";
    this.root.showModal();
    void this.#showShares(shared);
  }

  /** The link stays on no screen, and in no field. */
  #forget(): void {
    this.#shared = undefined;
    this.#made.hidden = true;
    this.#link.value = "";
    this.#note.textContent = "";
    this.#list.replaceChildren();
  }

  async #create(): Promise<void> {
    const shared = this.#shared;
    if (shared === undefined) return;
    const { agent, sessionId } = shared;
    const access = this.#type.checked ? "type" : "watch";
    this.#make.disabled = true;
    const made = await this.#try(() =>
      this.#deps.api().createShare(agent.id, { sessionId, access, lifetimeS: Number(this.#lifetime.value) }),
    );
    this.#make.disabled = false;
    if (made === undefined || this.#shared !== shared) return;
    this.#link.value = made.link || shareLink(this.#deps.origin, made.secret);
    this.#note.textContent = "It is shown this once. Give it to those whom you mean, and to nobody else.";
    this.#made.hidden = false;
    this.#link.select();
    await this.#showShares(shared);
  }

  async #copy(): Promise<void> {
    this.#link.select();
    try {
      await navigator.clipboard.writeText(this.#link.value);
      this.#note.textContent = "Copied.";
    } catch {
      // Without TLS browsers keep the clipboard from pages: it is selected, and the keyboard copies it.
      this.#note.textContent = "This browser lets no page copy here. The link is selected: press Ctrl+C.";
    }
  }

  async #showShares(shared: SharedPane): Promise<void> {
    const shares = await this.#try(() => this.#deps.api().listShares(shared.agent.id));
    if (shares === undefined || this.#shared !== shared) return;
    const ofSession = shares.filter(({ sessionId }) => sessionId === shared.sessionId);
    this.#list.replaceChildren(...ofSession.map((share) => this.#row(share, shared)));
  }

  #row(share: ListedShare, shared: SharedPane): HTMLElement {
    const { access, expiresAt, viewers, maxViewers, opened } = share;
    const looking = `${viewers} of ${maxViewers} there now, opened ${opened}×`;
    const end = element("button", { type: "button", onclick: () => void this.#end(share, shared) }, "End");
    return element("li", {}, `${access === "type" ? "Type" : "Watch"} until ${untilText(expiresAt)}: ${looking}`, end);
  }

  async #end({ id }: ListedShare, shared: SharedPane): Promise<void> {
    await this.#try(() => this.#deps.api().revokeShare(id));
    await this.#showShares(shared);
  }

  /** Undefined where it was refused, which is told. */
  async #try<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await call();
      this.#trouble.textContent = "";
      return result;
    } catch (error) {
      this.#trouble.textContent = failureText(error);
      return undefined;
    }
  }
}

function lifetimeOption([label, seconds]: readonly [string, number]): HTMLOptionElement {
  return element("option", { value: String(seconds), selected: seconds === DEFAULT_LIFETIME_S }, label);
}

function choice(radio: HTMLInputElement, label: string, help: string): HTMLElement {
  return element(
    "label",
    { className: "choice" },
    radio,
    element("span", {}, element("strong", {}, label), ` ${help}`),
  );
}
