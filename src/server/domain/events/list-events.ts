// Reads the audit log: an admin's credential sees everybody's events, any other those of the caller's own things.

import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Page, PageQuery } from "../page.ts";
import type { EventFilter, EventLog, LoggedRecord } from "./audit.ts";

export async function listEvents(
  deps: { audit: Pick<EventLog, "list"> },
  input: { caller: UserIdentity; query: PageQuery<EventFilter, "sequence"> },
): Promise<Page<LoggedRecord>> {
  const filter = visibleEvents(requireScope(input.caller, "read"), input.query.filter);
  return filter === undefined ? { rows: [], total: 0 } : deps.audit.list({ ...input.query, filter });
}

/** The filter narrowed to what this caller may see; undefined: nothing. */
export function visibleEvents(caller: UserIdentity, filter: EventFilter): EventFilter | undefined {
  if (isAdmin(caller)) return filter;
  if (filter.userId !== undefined && filter.userId !== caller.user.id) return undefined;
  return { ...filter, userId: caller.user.id };
}
