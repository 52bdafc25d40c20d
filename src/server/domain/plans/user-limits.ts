// The limits of one user: what the plan gives, and how much of it is taken. For calls and for watches alike.

import type { UserId } from "../../../protocol/ids.ts";
import type { PlanStore, PlanUsage, TerminalSlots } from "./plan.ts";

export interface UserLimits extends PlanUsage {
  /** On how many agents the user has terminals open; undefined where it can't be known just now. */
  terminalAgentsUsed?: number;
}

export interface UserLimitsDeps {
  plans: Pick<PlanStore, "usage">;
  slots: Pick<TerminalSlots, "used">;
}

/** Undefined where there is no such user. Throws BACKEND_UNAVAILABLE where the database can't say. */
export async function limitsOfUser(deps: UserLimitsDeps, userId: UserId): Promise<UserLimits | undefined> {
  const usage = await deps.plans.usage(userId);
  return usage === undefined ? undefined : withTerminals(deps, usage);
}

export async function withTerminals(deps: Pick<UserLimitsDeps, "slots">, usage: PlanUsage): Promise<UserLimits> {
  try {
    return { ...usage, terminalAgentsUsed: await deps.slots.used(usage.user.id) };
  } catch {
    // A number that can't be had is left out: whoever opens a terminal now is told so by the slots themselves.
    return usage;
  }
}
