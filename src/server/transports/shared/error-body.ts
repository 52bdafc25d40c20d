// An error as JSON over HTTP, on a refused handshake as on the JSON API: the table's text, and what goes with it.

import { errorRow } from "../../../protocol/errors.ts";
import type { DomainError } from "../../domain/domain-error.ts";

/** The reference's codes, which existing clients compare. */
const LEGACY_CODES: Partial<Record<DomainError["reason"], string>> = {
  AGENT_LIMIT_REACHED: "agent_limit_reached",
  AGENT_TERMINAL_LIMIT_REACHED: "agent_terminal_limit_reached",
};

export function errorBody(error: DomainError): Record<string, unknown> {
  const { quota, violations } = error.details;
  const code = LEGACY_CODES[error.reason];
  return {
    error: errorRow(error.reason).message,
    reason: error.reason,
    ...(code === undefined ? {} : { code }),
    ...(quota === undefined ? {} : { limit: quota.limit }),
    ...(violations === undefined ? {} : { violations }),
  };
}

/** For Retry-After, which has whole seconds; undefined where trying again is not what helps. */
export function retryAfterSeconds(error: DomainError): number | undefined {
  const seconds = error.details.retryAfterS ?? errorRow(error.reason).retryAfterS;
  return seconds === undefined ? undefined : Math.ceil(seconds);
}
