// What people are told when something was refused: what happened, and what to do next.

import { ERRORS, type ErrorReason, isErrorReason } from "../protocol/errors.ts";
import { RefusedError } from "./server-api.ts";

/** What helps, where something does. */
const ADVICE: Partial<Record<ErrorReason, string>> = {
  TOKEN_INVALID: "It may be mistyped, expired or revoked. Make another one with: rexec token create NAME",
  NOT_AUTHORIZED:
    "This token may not do that. An agent’s own token opens nothing here; one of scope read can only watch.",
  AGENT_NOT_FOUND: "It may have been deleted.",
  AGENT_TERMINAL_LIMIT_REACHED: "Close the terminals of another agent, or ask an admin for another plan.",
  SESSION_LIMIT_REACHED: "Close one of its shells first.",
  MFA_REQUIRED: "The code was wrong, or was used before. Wait for the next one.",
  MFA_NOT_ENROLLED: "Your account has no second factor yet, so no code can open this agent.",
  BACKEND_UNAVAILABLE: "The server can’t reach its database. Try again soon.",
  DRAINING: "The server is restarting. Try again in a moment.",
};

export function refusalText(reason: string | undefined, status: number, retryAfterS?: number): string {
  if (reason === undefined || !isErrorReason(reason)) return `The server answered with HTTP ${status}.`;
  const said = sentence(ERRORS[reason].message);
  if (reason === "TOO_MANY_ATTEMPTS") return `${said} Try again in ${duration(retryAfterS ?? 60)}.`;
  const advice = ADVICE[reason];
  return advice === undefined ? said : `${said} ${advice}`;
}

/** Of whatever a call to the server has thrown. */
export function failureText(error: unknown): string {
  if (!(error instanceof RefusedError))
    return "The server can’t be reached. Is it running, and is this machine online?";
  const { status, retryAfterS } = error.refusal;
  return refusalText(error.reason, status, retryAfterS);
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function duration(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
