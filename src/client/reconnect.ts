// Whether to come back after a connection has ended.

import { CLOSE, ERRORS, type ErrorReason, isErrorReason, reasonOfMessage } from "../protocol/errors.ts";
import type { SocketDown } from "./socket.ts";

/** A minute's share of attempts is used up: there is no telling when the next one is free. */
const TOO_MANY_ATTEMPTS_MS = 10_000;

export type Verdict =
  | { kind: "retry"; cause: string; isDraining?: boolean; retryAfterMs?: number; forgetResume?: boolean }
  | { kind: "ended"; reason: string }
  | { kind: "final"; reason: ErrorReason | "PROTOCOL"; message: string };

export interface Situation {
  /** This terminal has been open before. */
  wasOpen: boolean;
  /** The caller would rather wait for an agent that is offline. */
  waitForAgent: boolean;
}

/** Facts that coming back does not change. */
const FINAL_CODES: Readonly<Record<number, ErrorReason>> = {
  4401: "TOKEN_INVALID",
  4403: "NOT_AUTHORIZED",
  4404: "AGENT_NOT_FOUND",
  4423: "MFA_REQUIRED",
  4429: "AGENT_TERMINAL_LIMIT_REACHED",
};
const FINAL_STATUSES: Readonly<Record<number, ErrorReason>> = {
  401: "TOKEN_INVALID",
  403: "NOT_AUTHORIZED",
  423: "MFA_REQUIRED",
};
const FINAL_404: ReadonlySet<ErrorReason> = new Set(["AGENT_NOT_FOUND", "SESSION_NOT_FOUND"]);
const FINAL_429: ReadonlySet<ErrorReason> = new Set(["AGENT_TERMINAL_LIMIT_REACHED", "SESSION_LIMIT_REACHED"]);
/** The server could not read us; it will not next time either. */
const OUR_FAULT: ReadonlySet<number> = new Set([CLOSE.UNSUPPORTED, CLOSE.INVALID_DATA, CLOSE.POLICY, CLOSE.TOO_BIG]);

export function judge(down: SocketDown, situation: Situation): Verdict {
  switch (down.kind) {
    case "failed":
      return { kind: "retry", cause: down.message };
    case "closed":
      return judgeClose(down.code, down.reason, situation);
    case "refused":
      return judgeStatus(down, situation);
  }
}

function judgeClose(code: number, text: string, situation: Situation): Verdict {
  if (code === CLOSE.SESSION_ENDED) return { kind: "ended", reason: text };
  const said = reasonOf(text);
  if (said === "TOO_MANY_ATTEMPTS")
    return { kind: "retry", cause: ERRORS[said].message, retryAfterMs: TOO_MANY_ATTEMPTS_MS };
  const reason = FINAL_CODES[code];
  if (reason) return final(said ?? reason, text);
  if (code === ERRORS.AGENT_OFFLINE.ws) return offline(situation);
  if (OUR_FAULT.has(code)) return { kind: "final", reason: "PROTOCOL", message: text || `closed with code ${code}` };
  const cause = text || (code === 1006 ? "connection lost" : `closed with code ${code}`);
  if (code === CLOSE.RESTART) return { kind: "retry", cause, isDraining: true };
  if (code === CLOSE.BAD_OFFSET) return { kind: "retry", cause, forgetResume: true };
  return { kind: "retry", cause };
}

function judgeStatus(down: Extract<SocketDown, { kind: "refused" }>, situation: Situation): Verdict {
  const { status } = down;
  const said = reasonOf(down.body);
  const fallback = FINAL_STATUSES[status];
  if (fallback) return final(said ?? fallback, "");
  if (said && status === 404 && FINAL_404.has(said)) return final(said, "");
  if (said && status === 429 && FINAL_429.has(said)) return final(said, "");
  // A guest's own lost connection may still have its place; somebody else's has it for long.
  if (said === "SHARE_FULL" && !situation.wasOpen) return final(said, "");
  if (said === "AGENT_OFFLINE") return offline(situation);
  const cause = said ? ERRORS[said].message : `HTTP ${status}`;
  const isTheirs = status >= 500 || status === 429 || status === 408;
  // A 404 or a redirect at first is a wrong address; later it is a proxy in trouble.
  if (!isTheirs && !situation.wasOpen) {
    return { kind: "final", reason: said ?? "PROTOCOL", message: `the server answered the handshake with ${cause}` };
  }
  // An agent that is on its way back is no reason to leave its server.
  const isDraining = status === 503 && said !== "AGENT_RECONNECTING";
  if (down.retryAfterS === undefined) return { kind: "retry", cause, isDraining };
  return { kind: "retry", cause, isDraining, retryAfterMs: down.retryAfterS * 1000 };
}

function offline(situation: Situation): Verdict {
  const { message } = ERRORS.AGENT_OFFLINE;
  if (situation.wasOpen || situation.waitForAgent) return { kind: "retry", cause: message };
  return final("AGENT_OFFLINE", "");
}

function final(reason: ErrorReason, text: string): Verdict {
  return { kind: "final", reason, message: reasonOf(text) ? ERRORS[reason].message : text || ERRORS[reason].message };
}

/** Which row of the error table a close reason or an error body means. */
function reasonOf(text: string): ErrorReason | undefined {
  const said = errorText(text).trim();
  return isErrorReason(said) ? said : reasonOfMessage(said);
}

/** Bodies are `{"error": message}` or the bare message. */
function errorText(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string")
      return body.error;
  } catch {
    // No JSON: a proxy's page, and no row of our table.
  }
  return text;
}
