// Follows limits for one watcher, those that match its filter: everybody's for an admin, else the watcher's own.

import type { UserId } from "../../../protocol/ids.ts";
import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import { MAX_PAGE_SIZE, type Page, type PageCursor } from "../page.ts";
import type { ChangeLog } from "../watches/change-log.ts";
import type { WatchSource } from "../watches/watch-state.ts";
import type { PlanUsage, UsageFilter } from "./plan.ts";
import type { ReadLimitsDeps } from "./read-limits.ts";
import { type UserLimits, withTerminals } from "./user-limits.ts";

/** `filter.userIds` is not the watcher's to set. */
export function watchedLimits(
  deps: ReadLimitsDeps & { changes: ChangeLog<UserId> },
  input: { caller: UserIdentity; filter: UsageFilter },
): WatchSource<UserId, UserLimits> {
  const caller = requireScope(input.caller, "read");
  const mayHearOf = (userId: UserId | undefined): boolean => isAdmin(caller) || userId === caller.user.id;
  // Beside what was asked for: a filter that names somebody else finds nobody.
  const visible: UsageFilter = isAdmin(caller) ? {} : { userIds: [caller.user.id] };
  const list = async (filter: UsageFilter, after?: PageCursor): Promise<Page<PlanUsage>> => {
    const order = { by: "user_id", descending: false } as const;
    return deps.plans.listUsage({ filter, order, limit: MAX_PAGE_SIZE, ...(after === undefined ? {} : { after }) });
  };
  const withCounts = (rows: readonly PlanUsage[]): Promise<UserLimits[]> =>
    Promise.all(rows.map((usage) => withTerminals(deps, usage)));

  return {
    changes: deps.changes,
    mayHearOf,
    async *snapshot() {
      let after: PageCursor | undefined;
      do {
        const page = await list({ ...input.filter, ...visible }, after);
        yield await withCounts(page.rows);
        after = page.next;
      } while (after !== undefined);
    },
    async read(userIds) {
      const { rows } = await list({ ...input.filter, userIds: userIds.filter(mayHearOf) });
      return new Map((await withCounts(rows)).map((limits) => [limits.user.id, limits]));
    },
  };
}
