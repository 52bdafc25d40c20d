// Writes refused accesses, and what limits refuse, to the audit log, without letting anybody fill it.

import type { UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { AuditLog } from "../events/audit.ts";
import type { Identity } from "./identity.ts";
import type { RecordLimits } from "./rate-limits.ts";

export interface Refusal {
  /** Default: "access.refused". */
  type?: "access.refused" | "limit.denied";
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
    note({ type = "access.refused", identity, subject, userId, detail }) {
      const actor = actorOf(identity);
      // One bucket per caller; strangers are told apart by address. Who runs into a limit hides no refused access by it.
      const caller = identity === undefined ? `peer:${detail["peer"] ?? ""}` : actor;
      const key = type === "access.refused" ? caller : `${type} ${caller}`;
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

/** Who did it, in the audit log's words. */
function actorOf(identity: Identity | undefined): string {
  if (identity === undefined) return "unknown";
  return identity.kind === "agent" ? `agent:${identity.agentId}` : `user:${identity.user.id}`;
}
