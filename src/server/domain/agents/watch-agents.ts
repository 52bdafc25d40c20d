// Follows agents for one watcher: those that it may see and that match its filter.

import type { AgentId } from "../../../protocol/ids.ts";
import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import { MAX_PAGE_SIZE, type PageCursor } from "../page.ts";
import type { ChangeLog } from "../watches/change-log.ts";
import type { WatchSource } from "../watches/watch-state.ts";
import type { Agent, AgentFilter, AgentStore } from "./agent.ts";
import { listAgents } from "./list-agents.ts";

export interface WatchAgentsDeps {
  agents: Pick<AgentStore, "list" | "getMany">;
  changes: ChangeLog<AgentId>;
}

export function watchedAgents(
  deps: WatchAgentsDeps,
  input: { caller: UserIdentity; filter: AgentFilter },
): WatchSource<AgentId, Agent> {
  const caller = requireScope(input.caller, "read");
  const { filter } = input;
  const mayHearOf = (userId: string | undefined): boolean => isAdmin(caller) || userId === caller.user.id;

  return {
    changes: deps.changes,
    mayHearOf,
    async *snapshot() {
      let after: PageCursor | undefined;
      do {
        const order = { by: "created_at", descending: false } as const;
        const query = { filter, order, limit: MAX_PAGE_SIZE, ...(after === undefined ? {} : { after }) };
        const page = await listAgents(deps, { caller, query });
        yield page.rows;
        after = page.next;
      } while (after !== undefined);
    },
    async read(ids) {
      const agents = await deps.agents.getMany(ids);
      const seen = agents.filter((agent) => mayHearOf(agent.userId) && matches(agent, filter));
      return new Map(seen.map((agent) => [agent.id, agent]));
    },
  };
}

/** As the list's filter does it in the database. */
function matches(agent: Agent, { userId, status, os, tags, nameContains }: AgentFilter): boolean {
  if (userId !== undefined && agent.userId !== userId) return false;
  if (status !== undefined && agent.status !== status) return false;
  if (os !== undefined && agent.os !== os) return false;
  if (tags?.some((tag) => !agent.tags.includes(tag))) return false;
  return nameContains === undefined || foldedName(agent.name).includes(foldedName(nameContains));
}

/** Any case, any composition of accents. */
function foldedName(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}
