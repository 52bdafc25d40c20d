// The limit that a user's plan sets on open terminals, read afresh for every opening.

import type { User } from "../access/identity.ts";
import { effectiveLimits, type EffectiveLimits, type PlanStore } from "./plan.ts";

export interface CheckPlanDeps {
  plans: Pick<PlanStore, "get">;
}

async function limitsOf(deps: CheckPlanDeps, user: User): Promise<EffectiveLimits> {
  if (user.admin) return { kind: "unlimited" };
  const [plan, pro] = await Promise.all([
    deps.plans.get(user.plan),
    user.subscriptionActive ? deps.plans.get("pro") : undefined,
  ]);
  return effectiveLimits(user, plan, pro);
}

/** On how many agents the user may have terminals at once, for TerminalSlots.acquire; undefined: unlimited. */
export async function checkPlanForTerminal(deps: CheckPlanDeps, user: User): Promise<number | undefined> {
  const limits = await limitsOf(deps, user);
  return limits.kind === "unlimited" ? undefined : limits.maxTerminalAgents;
}
