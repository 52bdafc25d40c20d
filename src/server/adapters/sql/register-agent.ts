// Registration: counts, stores and records in one transaction, exact under any concurrency.

import type { Transaction } from "kysely";
import type { TokenId } from "../../../protocol/ids.ts";
import type { NewAgent, NewAgentToken, RegisterResult } from "../../domain/agents/agent.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import type { EffectiveLimits } from "../../domain/plans/plan.ts";
import { type AgentRow, toAgent } from "./agent-rows.ts";
import { appendAudit } from "./audit-log.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import { readLimits } from "./plan-store.ts";
import type { Schema } from "./schema.ts";
import { searchText, storableText } from "./text.ts";
import { toUser, type UserRow } from "./user-rows.ts";

interface Registration {
  agent: NewAgent;
  token: NewAgentToken;
  audit: AuditRecord;
}

export async function registerAgent(database: Database, registration: Registration): Promise<RegisterResult> {
  try {
    return await database.transaction((trx) => registerIn(trx, registration));
  } catch (error) {
    if (isNameTaken(error)) return { outcome: "name_taken" };
    throw error;
  }
}

/** The name's constraint decides, not a look beforehand: another registration or a rename may be under way. */
export function isNameTaken(error: unknown): boolean {
  return violatedConstraint(error) === "agents_user_id_name_key";
}

/** As a part of more. Throws what `isNameTaken` knows. */
export async function registerIn(trx: Transaction<Schema>, registration: Registration): Promise<RegisterResult> {
  const { agent, token, audit } = registration;
  const user = await lockUser(trx, agent.userId);
  const known = await findByRequestId(trx, agent);
  if (known?.mfa_locked) return { outcome: "mfa_required" };
  if (known !== undefined) {
    const revokedTokenHashes = await revokeRegistrationTokens(trx, known, audit.at);
    await insertToken(trx, { agent: known, token, at: audit.at });
    const detail = { ...audit.detail, repeated: "true" };
    await appendAudit(trx, { ...audit, subject: `agent:${known.id}`, detail });
    return { outcome: "repeated", agent: toAgent(known), revokedTokenHashes };
  }
  const limits = await readLimits(trx, toUser(user));
  if (limits.kind === "limited" && limits.maxAgents === 0) {
    return { outcome: "not_in_plan", used: user.agent_count };
  }
  if (!(await takePlace(trx, user, limits))) {
    const limit = limits.kind === "limited" ? limits.maxAgents : user.agent_count;
    return { outcome: "limit_reached", limit, used: user.agent_count };
  }
  const row = await insertAgent(trx, agent, audit.at);
  await insertToken(trx, { agent: row, token, at: audit.at });
  await appendAudit(trx, audit);
  return { outcome: "created", agent: toAgent(row) };
}

/**
 * Registrations and deletions of one user's agents take turns on the user's row. In a statement of its own: those that
 * follow see what the turn before has committed, so a request id that has been used is seen, also one used a moment ago.
 * NO KEY: rows that merely refer to the user may be inserted meanwhile.
 */
export async function lockUser(trx: Transaction<Schema>, id: NewAgent["userId"]): Promise<UserRow> {
  const user = await lockOwner(trx, id);
  // Deleted since the caller was authenticated: so is the credential.
  if (user === undefined) throw new DomainError("TOKEN_INVALID");
  return user;
}

/** `lockUser` of one who need not be the caller: undefined where the owner is gone, and with the owner the agent. */
export async function lockOwner(trx: Transaction<Schema>, id: NewAgent["userId"]): Promise<UserRow | undefined> {
  return trx.selectFrom("users").selectAll().where("id", "=", id).forNoKeyUpdate().executeTakeFirst();
}

async function findByRequestId(trx: Transaction<Schema>, agent: NewAgent): Promise<AgentRow | undefined> {
  if (agent.requestId === undefined) return undefined;
  return trx
    .selectFrom("agents")
    .selectAll()
    .where("user_id", "=", agent.userId)
    .where("request_id", "=", agent.requestId)
    .executeTakeFirst();
}

/** False where the plan has no place left. The condition stands in the UPDATE, so it holds whatever was read before. */
async function takePlace(trx: Transaction<Schema>, user: UserRow, limits: EffectiveLimits): Promise<boolean> {
  let update = trx
    .updateTable("users")
    .set((column) => ({ agent_count: column("agent_count", "+", 1) }))
    .where("id", "=", user.id);
  if (limits.kind === "limited") update = update.where("agent_count", "<", limits.maxAgents);
  const result = await update.executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

async function insertAgent(trx: Transaction<Schema>, agent: NewAgent, at: Date): Promise<AgentRow> {
  return trx
    .insertInto("agents")
    .values({
      id: agent.id,
      user_id: agent.userId,
      name: agent.name,
      name_search: searchText(agent.name),
      description: agent.description,
      os: storableText(agent.os),
      arch: storableText(agent.arch),
      shell: storableText(agent.shell),
      tags: [...agent.tags],
      request_id: agent.requestId ?? null,
      created_at: at,
      updated_at: at,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function insertToken(
  trx: Transaction<Schema>,
  input: { agent: AgentRow; token: NewAgentToken; at: Date },
): Promise<void> {
  await trx
    .insertInto("api_tokens")
    .values({
      id: input.token.id as TokenId,
      user_id: input.agent.user_id,
      agent_id: input.agent.id,
      origin: "registration",
      name: input.token.name,
      hash: input.token.hash,
      prefix: input.token.prefix,
      scopes: ["agent"],
      created_at: input.at,
    })
    .execute();
}

/** Only what registrations made: a token that the owner asked for by itself goes on. */
async function revokeRegistrationTokens(trx: Transaction<Schema>, agent: AgentRow, at: Date): Promise<string[]> {
  const revoked = await trx
    .updateTable("api_tokens")
    .set({ revoked_at: at })
    .where("agent_id", "=", agent.id)
    .where("origin", "=", "registration")
    .where("revoked_at", "is", null)
    .returning("hash")
    .execute();
  return revoked.map((row) => row.hash);
}
