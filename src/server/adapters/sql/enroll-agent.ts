// Registration with an enrolment code: the code is judged, and used up, in the transaction that makes the agent.

import { sql, type Transaction } from "kysely";
import type { Enrollment, EnrollmentCode } from "../../domain/agents/enrollment-codes.ts";
import type { RegisterResult } from "../../domain/agents/agent.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { type EnrollmentCodeRow, IS_LIVE, toEnrollmentCode } from "./enrollment-code-rows.ts";
import { isNameTaken, lockOwner, registerIn } from "./register-agent.ts";
import type { Schema } from "./schema.ts";

interface Shown {
  hash: string;
  requestId: string | undefined;
}

interface Enrolled {
  code: EnrollmentCode;
  result: RegisterResult;
}

export async function enrollAgent(
  database: Database,
  shown: Shown,
  enroll: (code: EnrollmentCode) => Enrollment,
): Promise<Enrolled | undefined> {
  let code: EnrollmentCode | undefined;
  try {
    return await database.transaction(async (trx) => {
      const row = await lockCode(trx, shown);
      if (row === undefined) return undefined;
      code = toEnrollmentCode(row);
      return { code, result: await register(trx, { row, shown, enrollment: enroll(code) }) };
    });
  } catch (error) {
    if (code !== undefined && isNameTaken(error)) return { code, result: { outcome: "name_taken" } };
    throw error;
  }
}

/**
 * The code, if it is one. The user's row is locked first, as by everybody who registers or deletes; the code is read again
 * then, for it may have been used meanwhile.
 */
async function lockCode(trx: Transaction<Schema>, { hash, requestId }: Shown): Promise<EnrollmentCodeRow | undefined> {
  const found = await trx.selectFrom("enrollment_codes").select("user_id").where("hash", "=", hash).executeTakeFirst();
  if (found === undefined || (await lockOwner(trx, found.user_id)) === undefined) return undefined;
  const row = await trx
    .selectFrom("enrollment_codes")
    .selectAll()
    .where("hash", "=", hash)
    .where(IS_LIVE)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined || row.used_at === null) return row;
  return requestId !== undefined && row.used_by_request === requestId ? row : undefined;
}

async function register(
  trx: Transaction<Schema>,
  { row, shown, enrollment }: { row: EnrollmentCodeRow; shown: Shown; enrollment: Enrollment },
): Promise<RegisterResult> {
  const { agent, token, registered, used } = enrollment;
  const result = await registerIn(trx, { agent, token, audit: registered });
  if (result.outcome !== "created") return result;
  await trx
    .updateTable("enrollment_codes")
    .set({ used_at: sql<Date>`now()`, agent_id: result.agent.id, used_by_request: shown.requestId ?? null })
    .where("id", "=", row.id)
    .execute();
  await appendAudit(trx, used);
  return result;
}
