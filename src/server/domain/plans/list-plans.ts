// Shows an admin the plans that there are, with their numbers.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Plan, PlanStore } from "./plan.ts";

export interface ListPlansDeps {
  plans: Pick<PlanStore, "list">;
}

export async function listPlans(deps: ListPlansDeps, input: { caller: UserIdentity }): Promise<readonly Plan[]> {
  requireScope(input.caller, "admin");
  return deps.plans.list();
}
