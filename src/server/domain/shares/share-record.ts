// What the audit log says of shares. The owner of the agent reads it, who is who shares, or whose session an admin shares.

import type { UserId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Share } from "./share.ts";

export function shareRecord(record: {
  type: "share.created" | "share.opened" | "share.revoked";
  share: Pick<Share, "id" | "agentId" | "sessionId">;
  /** The agent's. */
  ownerId: UserId;
  actor: string;
  at: Date;
  detail?: Record<string, string>;
}): AuditRecord {
  const { type, ownerId: userId, actor, at, detail = {} } = record;
  const { id, agentId, sessionId } = record.share;
  return {
    at,
    type,
    subject: `share:${id}`,
    actor,
    userId,
    detail: { session: `${agentId}/${sessionId}`, ...detail },
  };
}
