// What stands over a terminal that has ended: how it ended, and the way on. A locked agent asks for its code here.

import type { TerminalOutcome } from "../client/terminal-events.ts";
import { harmless } from "../text/harmless.ts";
import { element } from "./element.ts";
import { failureText, refusalText, sentence } from "./refusal-text.ts";

export interface OpenAgain {
  openAgain(): void;
  /** Where the right to type is missing. */
  watchInstead(): void;
}

export interface PaneEndActions extends OpenAgain {
  logIn(): void;
  close(): void;
  /** Rejects as ServerApi does. */
  verify(code: string): Promise<void>;
}

export type Ended = Exclude<TerminalOutcome, { kind: "detached" }>;

export function paneEnd(outcome: Ended, isReadOnly: boolean, actions: PaneEndActions): HTMLElement {
  if (outcome.kind === "failed" && outcome.reason === "MFA_REQUIRED") return codeForm(actions);
  const close = button("Close", () => actions.close());
  const again = button(outcome.kind === "ended" ? "Open anew" : "Try again", () => actions.openAgain());
  const buttons = [again, close];
  if (outcome.kind === "failed" && outcome.reason === "NOT_AUTHORIZED" && !isReadOnly) {
    buttons.unshift(button("Watch only", () => actions.watchInstead()));
  }
  if (outcome.kind === "failed" && outcome.reason === "TOKEN_INVALID") {
    buttons.splice(
      0,
      1,
      button("Log in again", () => actions.logIn()),
    );
  }
  buttons[0]?.classList.add("primary");
  return card(element("p", { role: "status" }, outcomeText(outcome)), ...buttons);
}

export function outcomeText(outcome: Ended): string {
  if (outcome.kind === "failed") {
    if (outcome.reason !== "PROTOCOL") return refusalText(outcome.reason, 0);
    return sentence(harmless(outcome.message));
  }
  const { exitCode, reason } = outcome;
  if (exitCode !== undefined) return `The shell has ended with exit code ${exitCode}.`;
  return reason === "" ? "The shell has ended." : `The shell has ended: ${harmless(reason)}.`;
}

/** Asks for the code of a second factor until one is right. */
export function codeForm(actions: Pick<PaneEndActions, "verify" | "openAgain" | "close">): HTMLElement {
  const code = element("input", {
    name: "code",
    className: "code",
    inputMode: "numeric",
    autocomplete: "one-time-code",
    maxLength: 32,
    required: true,
    ariaLabel: "Code of your second factor",
  });
  const submit = element("button", { type: "submit", className: "primary" }, "Unlock");
  const trouble = element("p", { className: "trouble", role: "alert" });
  const form = element(
    "form",
    {
      onsubmit(event) {
        event.preventDefault();
        void send();
      },
    },
    element("p", {}, "This agent is locked. Enter the code of your authenticator app, or a recovery code."),
    element(
      "div",
      { className: "form-row" },
      code,
      submit,
      button("Close", () => actions.close()),
    ),
    trouble,
  );

  async function send(): Promise<void> {
    submit.disabled = true;
    trouble.textContent = "";
    try {
      await actions.verify(code.value);
      actions.openAgain();
    } catch (error) {
      trouble.textContent = failureText(error);
      code.select();
      code.focus();
    } finally {
      submit.disabled = false;
    }
  }
  return card(form);
}

export function card(...children: HTMLElement[]): HTMLElement {
  return element("div", { className: "pane-end" }, ...children);
}

export function button(label: string, onclick: () => void): HTMLButtonElement {
  return element("button", { type: "button", onclick }, label);
}
