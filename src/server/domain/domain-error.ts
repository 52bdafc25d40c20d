// The one error that the domain throws on purpose. Only an edge translates it, from the table in protocol/errors.ts.

import { type ErrorReason, errorRow } from "../../protocol/errors.ts";
import type { ShareId, UserId } from "../../protocol/ids.ts";

export interface ErrorDetails {
  /** For limits. */
  quota?: { limit: number; used: number };
  /** For INVALID_ARGUMENT: which field, and what is wrong with it. */
  violations?: readonly { field: string; description: string }[];
  /** Where the table's own time does not fit. */
  retryAfterS?: number;
  /** For AGENT_OFFLINE; unset where the agent has never been seen. */
  lastSeenAt?: Date;
  /** For FILE_OFFSET_BEYOND_END: how many bytes are there. */
  sizeBytes?: number;
  /** For SHARE_ENDED: which, for the audit log. No edge tells it. */
  share?: { id: ShareId; userId: UserId };
}

/** Carries a reason of the error table. `message` is the table's text; what happened inside goes into `cause`. */
export class DomainError extends Error {
  override name = "DomainError";
  readonly reason: ErrorReason;
  readonly details: ErrorDetails;

  constructor(reason: ErrorReason, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(errorRow(reason).message, options);
    this.reason = reason;
    this.details = details;
  }
}

/** INVALID_ARGUMENT for one field. */
export function invalidField(field: string, description: string): DomainError {
  return new DomainError("INVALID_ARGUMENT", { violations: [{ field, description }] });
}
