// Agents: registration, look-up, the owner's changes, deletion; presence and lists have their own files.

import { type SqlBool, sql } from "kysely";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Agent, AgentChanges, AgentStore } from "../../domain/agents/agent.ts";
import type { AuditRecord } from "../../domain/events/audit.ts";
import { listAgents } from "./agent-list.ts";
import { createAgentPresence } from "./agent-presence.ts";
import { toAgent } from "./agent-rows.ts";
import { appendAudit } from "./audit-log.ts";
import { batchWhileBusy } from "./batch-while-busy.ts";
import type { Database } from "./database.ts";
import { violatedConstraint } from "./errors.ts";
import { lockOwner, registerAgent } from "./register-agent.ts";
import { searchText } from "./text.ts";

export function createAgentStore(database: Database): AgentStore {
  const getAgent = batchWhileBusy<AgentId, Agent | undefined>({
    async run(ids) {
      const agents = new Map((await getAgents(database, ids)).map((agent) => [agent.id, agent]));
      return ids.map((id) => agents.get(id));
    },
  });
  return {
    ...createAgentPresence(database),
    register: (agent, token, audit) => registerAgent(database, { agent, token, audit }),
    get: getAgent,
    getMany: (ids) => getAgents(database, ids),
    list: (query) => listAgents(database, query),
    update: (id, changes, audit) => updateAgent(database, { id, changes, audit }),
    delete: (id, audit) => deleteAgent(database, id, audit),
  };
}

function getAgents(database: Database, ids: readonly AgentId[]): Promise<readonly Agent[]> {
  return database.run(async (db) => {
    const rows = await db
      .selectFrom("agents")
      .selectAll()
      .where(sql<SqlBool>`id = ANY(${[...ids]}::uuid[])`)
      .execute();
    return rows.map(toAgent);
  });
}

async function updateAgent(
  database: Database,
  input: { id: AgentId; changes: AgentChanges; audit: AuditRecord },
): Promise<Agent | "name_taken" | undefined> {
  const { name, description, shell, tags, recordSessions } = input.changes;
  try {
    return await database.transaction(async (trx) => {
      const row = await trx
        .updateTable("agents")
        .set({
          ...(name !== undefined && { name, name_search: searchText(name) }),
          ...(description !== undefined && { description }),
          ...(shell !== undefined && { shell }),
          ...(tags !== undefined && { tags: [...tags] }),
          ...(recordSessions !== undefined && { record_sessions: recordSessions }),
          updated_at: input.audit.at,
        })
        .where("id", "=", input.id)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      await appendAudit(trx, input.audit);
      return toAgent(row);
    });
  } catch (error) {
    if (violatedConstraint(error) === "agents_user_id_name_key") return "name_taken";
    throw error;
  }
}

/** Locks in the order that registration does, the user and then the agent: neither waits for the other in a circle. */
function deleteAgent(
  database: Database,
  id: AgentId,
  audit: AuditRecord,
): Promise<{ tokenHashes: readonly string[] } | undefined> {
  return database.transaction(async (trx) => {
    const found = await trx.selectFrom("agents").select("user_id").where("id", "=", id).executeTakeFirst();
    if (found === undefined) return undefined;
    if ((await lockOwner(trx, found.user_id)) === undefined) return undefined;
    // Waits for a token that is being made for this agent: it must be among those returned.
    const locked = await trx.selectFrom("agents").select("id").where("id", "=", id).forUpdate().executeTakeFirst();
    if (locked === undefined) return undefined;
    const tokens = await trx.deleteFrom("api_tokens").where("agent_id", "=", id).returning("hash").execute();
    await trx.deleteFrom("agents").where("id", "=", id).execute();
    await trx
      .updateTable("users")
      .set((column) => ({ agent_count: column("agent_count", "-", 1) }))
      .where("id", "=", found.user_id)
      .execute();
    await appendAudit(trx, audit);
    return { tokenHashes: tokens.map((token) => token.hash) };
  });
}
