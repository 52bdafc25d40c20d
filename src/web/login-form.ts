// Asks for a token. It is handed on and forgotten here: it stays in no field, no storage and no address.

import { element } from "./element.ts";
import { failureText } from "./refusal-text.ts";

export interface LoginFormDeps {
  /** Rejects with what the server said. */
  logIn(token: string): Promise<void>;
}

/** What an API token or a JWT is made of, and what may be in a header and a subprotocol. */
const TOKEN = /^[\w.~+/=-]+$/;

export class LoginForm {
  readonly root: HTMLElement;
  readonly #deps: LoginFormDeps;
  readonly #message = element("p", { className: "trouble", role: "alert" });
  readonly #token = element("input", {
    id: "token",
    type: "password",
    autocomplete: "off",
    spellcheck: false,
    required: true,
    placeholder: "rexec_… or a JWT",
  });
  readonly #submit = element("button", { type: "submit", className: "primary" }, "Log in");

  constructor(deps: LoginFormDeps) {
    this.#deps = deps;
    const label = element("label", { htmlFor: "token" }, "Token");
    const form = element("form", {}, label, this.#token, this.#submit, this.#message, help());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.root = element("main", { className: "login" }, element("h1", {}, "rexec"), form);
  }

  show(message: string): void {
    this.#message.textContent = message;
    this.root.hidden = false;
    this.#token.focus();
  }

  async #send(): Promise<void> {
    const token = this.#token.value.trim();
    if (!TOKEN.test(token))
      return this.#refuse("That is no token: it may hold letters, digits and . _ - ~ + / = only.");
    this.#submit.disabled = true;
    this.#message.textContent = "";
    try {
      await this.#deps.logIn(token);
      this.#token.value = "";
      this.root.hidden = true;
    } catch (error) {
      this.#refuse(failureText(error));
    } finally {
      this.#submit.disabled = false;
    }
  }

  #refuse(message: string): void {
    this.#message.textContent = message;
    this.#token.select();
    this.#token.focus();
  }
}

function help(): HTMLElement {
  const code = (text: string) => element("code", {}, text);
  return element(
    "p",
    { className: "help" },
    "Make one with ",
    code("rexec token create NAME"),
    ", or take the admin’s of ",
    code("rexec up"),
    ": ",
    code("~/.local/state/rexec/admin-token"),
    ". This page keeps it until you close or reload it, and nowhere else.",
  );
}
