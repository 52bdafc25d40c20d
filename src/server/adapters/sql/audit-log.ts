// The audit log: appends, alone or as a part of the change that it tells of.

import type { Kysely } from "kysely";
import type { AuditLog, AuditRecord } from "../../domain/events/audit.ts";
import type { Database } from "./database.ts";
import type { Schema } from "./schema.ts";
import { storableJson, storableText } from "./text.ts";

export function createAuditLog(database: Database): AuditLog {
  return { append: (record) => database.run((db) => appendAudit(db, record)) };
}

/** With a transaction as `db`, the record stands or falls with what it tells of. */
export async function appendAudit(db: Kysely<Schema>, record: AuditRecord): Promise<void> {
  await db
    .insertInto("audit_log")
    .values({
      at: record.at,
      type: storableText(record.type),
      subject: storableText(record.subject),
      actor: storableText(record.actor),
      user_id: record.userId ?? null,
      detail: storableJson(record.detail),
    })
    .execute();
}
