// Writes refused accesses, and what limits refuse, to the audit log, without letting anybody fill it.

import type { UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { DomainError } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import type { Identity } from "./identity.ts";
import type { RecordLimits } from "./rate-limits.ts";

export interface Refusal {
  /** Default: "access.refused", or "share.refused" for what a guest has tried. */
  type?: "access.refused" | "share.refused" | "limit.denied";
  /** Undefined where the credential itself was refused. */
  identity?: Identity;
  /** What was reached for: "agent:ID", "token:ID", …; left out where only the call is known. */
  subject?: string;
  /** The subject's owner. */
  userId?: UserId;
  /** A method, a path; a reason; an address. Never a secret. */
  detail: Readonly<Record<string, string>>;
}

export interface Refusals {
  /** Waits for nothing and never throws: a refusal is answered whether or not it could be written down. */
  note(refusal: Refusal): void;
  /** Records on their way to the database. */
  readonly pending: number;
  /** Ends when what was noted is written. */
  settled(): Promise<void>;
}

/** Records on their way to the database. At the bound further refusals go unwritten: the database is behind. */
const MAX_PENDING = 100;

export function createRefusals(deps: {
  audit: AuditLog;
  limits: RecordLimits;
  clock: Clock;
  onError: (error: unknown) => void;
}): Refusals {
  const pending = new Set<Promise<void>>();

  return {
    get pending() {
      return pending.size;
    },
    note({ identity, subject, detail, ...refusal }) {
      const sharer = identity?.kind === "guest" ? identity.user : undefined;
      const { type = sharer === undefined ? "access.refused" : "share.refused", userId = sharer?.id } = refusal;
      const actor = actorOf(identity);
      // One bucket per caller; strangers are told apart by address. Who runs into a limit hides no refused access by it.
      const caller = identity === undefined ? `peer:${detail["peer"] ?? ""}` : actor;
      const key = type === "limit.denied" ? `${type} ${caller}` : caller;
      if (pending.size >= MAX_PENDING || !deps.limits.tryTake(key)) return;
      const record = { at: new Date(deps.clock.now()), type, subject: subject ?? actor, actor };
      const written: Promise<void> = deps.audit
        .append({ ...record, ...(userId === undefined ? {} : { userId }), detail })
        .catch(deps.onError)
        .finally(() => pending.delete(written));
      pending.add(written);
    },
    async settled() {
      await Promise.all(pending);
    },
  };
}

/** What a refusal's record says of a share that has ended: who has shared it can read that it was tried. */
export function refusedShare({ details: { share } }: DomainError): Pick<Refusal, "type" | "subject" | "userId"> {
  return share === undefined ? {} : { type: "share.refused", subject: `share:${share.id}`, userId: share.userId };
}

/** Who did it, in the audit log's words. */
function actorOf(identity: Identity | undefined): string {
  switch (identity?.kind) {
    case undefined:
      return "unknown";
    case "agent":
      return `agent:${identity.agentId}`;
    case "guest":
      return `share:${identity.share.id}`;
    case "user":
    case "mfa_pending":
      return `user:${identity.user.id}`;
    default:
      return identity satisfies never;
  }
}
