// Creates a plan or changes its numbers while the server runs. Limits are read afresh for whatever is asked next.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { Plan, PlanStore } from "./plan.ts";

export interface SetPlanDeps {
  plans: Pick<PlanStore, "set">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** One word, so that a filter can name it. */
const PLAN_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** More than one server bears, and far from what the database's integers hold. */
const MAX_NUMBER = 1_000_000;

/** Throws INVALID_ARGUMENT. Ends nothing that runs: who has more than the plan allows now gets nothing new. */
export async function setPlan(
  deps: SetPlanDeps,
  input: { caller: UserIdentity; plan: Plan; signal?: AbortSignal },
): Promise<Plan> {
  const caller = requireScope(input.caller, "admin");
  const { name, maxAgents, maxTerminalAgents } = input.plan;
  const plan = { name, maxAgents, maxTerminalAgents };
  checkPlanFields(plan);
  input.signal?.throwIfAborted();
  await deps.plans.set(plan, {
    at: new Date(deps.clock.now()),
    type: "plan.changed",
    subject: `plan:${name}`,
    actor: `user:${caller.user.id}`,
    detail: { max_agents: String(maxAgents), max_terminal_agents: String(maxTerminalAgents) },
  });
  deps.events.publish({ type: "plan.changed", plan });
  return plan;
}

function checkPlanFields({ name, maxAgents, maxTerminalAgents }: Plan): void {
  const problems: Record<string, string | undefined> = {
    name: PLAN_NAME.test(name)
      ? undefined
      : "must be 1 to 64 lower-case letters, digits, dots, hyphens and underscores",
    max_agents: numberProblem(maxAgents),
    max_terminal_agents: numberProblem(maxTerminalAgents),
  };
  const violations = Object.entries(problems).flatMap(([field, description]) =>
    description === undefined ? [] : [{ field: `plan.${field}`, description }],
  );
  if (violations.length > 0) throw new DomainError("INVALID_ARGUMENT", { violations });
}

function numberProblem(value: number): string | undefined {
  return Number.isInteger(value) && value >= 0 && value <= MAX_NUMBER ? undefined : `must be at most ${MAX_NUMBER}`;
}
