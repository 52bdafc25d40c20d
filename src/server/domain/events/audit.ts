// The audit log: every change and every refused access, append-only; and how it is read, at once or as it grows.

import type { UserId } from "../../../protocol/ids.ts";
import type { Page, PageQuery } from "../page.ts";

export interface AuditRecord {
  /** A UUID, for who may have to write it again: a second time changes nothing. */
  id?: string;
  at: Date;
  /** "agent.registered", "agent.deleted", "token.created", "access.refused", … */
  type: string;
  /** "agent:ID", "token:ID", "share:ID", "user:ID", "enrollment_code:ID", "recording:ID", "session:AGENT/ID". */
  subject: string;
  /** "user:ID", "agent:ID", "share:ID" for a guest, "enrollment_code:ID" for a machine that has used one, or "system". */
  actor: string;
  /** The subject's owner, where it has one. */
  userId?: UserId;
  /** Never a secret, never what was typed. */
  detail: Readonly<Record<string, string>>;
}

export interface LoggedRecord extends AuditRecord {
  /** Unique; grows, but for records of changes that were made at the same moment. */
  sequence: number;
  /** Where a reader goes on who has taken it in. */
  position: LogPosition;
}

/** A place in the log, in the order in which records became visible: all that is before it has been read. */
export interface LogPosition {
  /** Counts the times that the log was restored elsewhere. */
  era: number;
  /** Decimal digits. */
  transaction: string;
  sequence: number;
}

export interface EventFilter {
  /** "agent.registered", or "agent." for all that begin so. */
  type?: string;
  subject?: string;
  actor?: string;
  /** The subject's owner. */
  userId?: UserId;
}

export interface AuditLog {
  append(record: AuditRecord): Promise<void>;
}

/** Rejections are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. */
export interface EventLog extends AuditLog {
  /** In one statement. */
  appendAll(records: readonly AuditRecord[]): Promise<void>;
  /** `total` counts up to MAX_COUNTED: the log is long. */
  list(query: PageQuery<EventFilter, "sequence">): Promise<Page<LoggedRecord>>;
  /** Where the log ends now: what comes later lies behind it. */
  end(): Promise<LogPosition>;
  /**
   * At most `limit` records behind `after`, oldest first, and where to go on. Nothing can appear before that place any
   * more: a change that is being made right now lies behind it. "unknown": no place in this log.
   */
  readAfter(
    after: LogPosition,
    filter: EventFilter,
    limit: number,
  ): Promise<{ records: readonly LoggedRecord[]; position: LogPosition } | "unknown">;
}

export const MAX_COUNTED = 10_000;
