// The audit log: every change and every refused access, append-only.

import type { UserId } from "../../../protocol/ids.ts";

export interface AuditRecord {
  at: Date;
  /** "agent.registered", "agent.deleted", "token.created", "access.refused", … */
  type: string;
  /** "agent:ID", "token:ID", "user:ID", "session:AGENT/ID". */
  subject: string;
  /** "user:ID", "agent:ID" or "system". */
  actor: string;
  /** The subject's owner, where it has one. */
  userId?: UserId;
  /** Never a secret, never what was typed. */
  detail: Readonly<Record<string, string>>;
}

export interface AuditLog {
  append(record: AuditRecord): Promise<void>;
}
