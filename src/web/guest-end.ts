// What stands below a guest's terminal that has ended: why, and what could help. Nothing here leads to a login.

import type { TerminalOutcome } from "../client/terminal-events.ts";
import { button, card, type Ended, outcomeText } from "./pane-end.ts";
import { failureText } from "./refusal-text.ts";
import { RefusedError } from "./server-api.ts";
import { element } from "./element.ts";

/** Of a guest's: what to an owner would mean something else. */
const TEXTS: Readonly<Record<string, string>> = {
  SHARE_ENDED: "This share has ended: its time is over, or it was revoked. Ask for a new link.",
  TOKEN_INVALID: "This link opens nothing. It may not be whole: ask for it again.",
  SESSION_NOT_FOUND: "The session that was shared has ended.",
  AGENT_NOT_FOUND: "This share has ended: its agent is no more.",
  MFA_REQUIRED: "The agent is locked, and lets in no guests. Ask who shares it with you.",
  SHARE_FULL: "As many as may are looking already. Try again when somebody has left.",
};
/** What asking again changes nothing of. */
const FINAL = new Set(["SHARE_ENDED", "TOKEN_INVALID", "SESSION_NOT_FOUND", "AGENT_NOT_FOUND"]);

export function guestEnd(outcome: Ended, openAgain: () => void): HTMLElement {
  const reason = reasonOf(outcome);
  const text = TEXTS[reason ?? ""] ?? outcomeText(outcome);
  const isOver = outcome.kind === "ended" || FINAL.has(reason ?? "");
  return card(element("p", { role: "status" }, text), ...(isOver ? [] : [button("Try again", openAgain)]));
}

/** Of what the server says of a link, or of its silence. */
export function guestRefusal(error: unknown): { text: string; isOver: boolean } {
  const reason = error instanceof RefusedError ? (error.reason ?? "") : "";
  return { text: TEXTS[reason] ?? failureText(error), isOver: FINAL.has(reason) };
}

function reasonOf(outcome: TerminalOutcome): string | undefined {
  return outcome.kind === "failed" ? outcome.reason : undefined;
}
