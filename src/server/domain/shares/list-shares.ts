// Lists shares without their secrets: an admin's credential sees everybody's, any other the caller's own.

import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import type { Page, PageQuery } from "../page.ts";
import type { TerminalSlots } from "../plans/plan.ts";
import { isLive, type Share } from "./share.ts";
import type { ShareFilter, ShareOrder, ShareStore } from "./share-store.ts";

export interface DescribeSharesDeps {
  slots: Pick<TerminalSlots, "used">;
  clock: Pick<Clock, "now">;
}

/** A share as it is now. */
export interface SeenShare extends Share {
  isLive: boolean;
  /** How many look at this moment. */
  viewers: number;
}

/** Throws BACKEND_UNAVAILABLE. */
export async function listShares(
  deps: DescribeSharesDeps & { shares: Pick<ShareStore, "list"> },
  input: { caller: UserIdentity; query: PageQuery<ShareFilter, ShareOrder> },
): Promise<Page<SeenShare>> {
  const caller = requireScope(input.caller, "read");
  const { filter } = input.query;
  if (!isAdmin(caller) && filter.userId !== undefined && filter.userId !== caller.user.id)
    return { rows: [], total: 0 };
  const own = isAdmin(caller) ? filter : { ...filter, userId: caller.user.id };
  const page = await deps.shares.list({ ...input.query, filter: own });
  return { ...page, rows: await describeShares(deps, page.rows) };
}

/** Those that have ended have no viewers, and are not asked about. */
export function describeShares(deps: DescribeSharesDeps, shares: readonly Share[]): Promise<SeenShare[]> {
  const now = deps.clock.now();
  return Promise.all(
    shares.map(async (share) => {
      const live = isLive(share, now);
      return { ...share, isLive: live, viewers: live ? await deps.slots.used(share.id) : 0 };
    }),
  );
}
