// Lists agents: an admin's credential sees everybody's, any other the caller's own.

import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Page, PageQuery } from "../page.ts";
import type { Agent, AgentFilter, AgentOrder, AgentStore } from "./agent.ts";

export async function listAgents(
  deps: { agents: Pick<AgentStore, "list"> },
  input: { caller: UserIdentity; query: PageQuery<AgentFilter, AgentOrder> },
): Promise<Page<Agent>> {
  const caller = requireScope(input.caller, "read");
  if (isAdmin(caller)) return deps.agents.list(input.query);
  const { filter } = input.query;
  // Whether that user has agents, or is one at all, is not told.
  if (filter.userId !== undefined && filter.userId !== caller.user.id) return { rows: [], total: 0 };
  return deps.agents.list({ ...input.query, filter: { ...filter, userId: caller.user.id } });
}
