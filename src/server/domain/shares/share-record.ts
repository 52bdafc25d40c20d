// What the audit log says of shares. Who shares reads it, and an admin.

import type { AuditRecord } from "../events/audit.ts";
import type { Share } from "./share.ts";

export function shareRecord(record: {
  type: "share.created" | "share.opened" | "share.revoked";
  share: Pick<Share, "id" | "userId" | "agentId" | "sessionId">;
  actor: string;
  at: Date;
  detail?: Record<string, string>;
}): AuditRecord {
  const { type, actor, at, detail = {} } = record;
  const { id, userId, agentId, sessionId } = record.share;
  return {
    at,
    type,
    subject: `share:${id}`,
    actor,
    userId,
    detail: { session: `${agentId}/${sessionId}`, ...detail },
  };
}
