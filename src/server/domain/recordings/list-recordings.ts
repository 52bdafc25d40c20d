// Lists recordings: an admin's credential sees everybody's, any other those of the caller's own agents.

import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Page, PageQuery } from "../page.ts";
import type { Recording, RecordingFilter, RecordingOrder, RecordingStore } from "./recording.ts";

export async function listRecordings(
  deps: { recordings: Pick<RecordingStore, "list"> },
  input: { caller: UserIdentity; query: PageQuery<RecordingFilter, RecordingOrder> },
): Promise<Page<Recording>> {
  const caller = requireScope(input.caller, "read");
  const { query } = input;
  const { filter } = query;
  if (isAdmin(caller)) return deps.recordings.list(query);
  const isOthers = filter.userId !== undefined && filter.userId !== caller.user.id;
  if (isOthers) return { rows: [], total: 0 };
  return deps.recordings.list({ ...query, filter: { ...filter, userId: caller.user.id } });
}
