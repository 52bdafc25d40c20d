// What a user's plan allows: the limit on open terminals, read afresh for every opening, and whether something would be
// allowed now.

import type { AgentId } from "../../../protocol/ids.ts";
import type { User } from "../access/identity.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { DomainError } from "../domain-error.ts";
import type { LimitReason } from "../events/events.ts";
import { effectiveLimits, type EffectiveLimits, type PlanStore, type TerminalSlots } from "./plan.ts";
import { limitsOfUser, type UserLimits, type UserLimitsDeps } from "./user-limits.ts";

export interface TerminalLimitDeps {
  plans: Pick<PlanStore, "get">;
}

async function limitsOf(deps: TerminalLimitDeps, user: User): Promise<EffectiveLimits> {
  if (user.admin) return { kind: "unlimited" };
  const [plan, pro] = await Promise.all([
    deps.plans.get(user.plan),
    user.subscriptionActive ? deps.plans.get("pro") : undefined,
  ]);
  return effectiveLimits(user, plan, pro);
}

/** On how many agents the user may have terminals at once, for TerminalSlots.acquire; undefined: unlimited. */
export async function checkPlanForTerminal(deps: TerminalLimitDeps, user: User): Promise<number | undefined> {
  const limits = await limitsOf(deps, user);
  return limits.kind === "unlimited" ? undefined : limits.maxTerminalAgents;
}

export interface CheckPlanDeps extends UserLimitsDeps, ReachableAgentDeps {
  slots: Pick<TerminalSlots, "used" | "check">;
}

export type PlanQuestion = { action: "register_agent" } | { action: "open_terminal"; agentId: string };

export interface PlanAnswer {
  /** Why not; undefined where it is allowed. */
  denied?: LimitReason;
  limits: UserLimits;
}

/**
 * Whether the caller's plan allows it now; the act itself is checked again. Says nothing of what else may stand in the
 * way: an agent that is offline, a lock. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, and BACKEND_UNAVAILABLE where the
 * count can't be known.
 */
export async function checkPlan(
  deps: CheckPlanDeps,
  input: { caller: UserIdentity; question: PlanQuestion },
): Promise<PlanAnswer> {
  const caller = requireScope(input.caller, "read");
  const { question } = input;
  const agent =
    question.action === "open_terminal" ? await reachableAgent(deps, { caller, agentId: question.agentId }) : undefined;
  const limits = await limitsOfUser(deps, caller.user.id);
  // Deleted since the caller was authenticated: so is the credential.
  if (limits === undefined) throw new DomainError("TOKEN_INVALID");
  const denied = agent === undefined ? deniedAgent(limits) : await deniedTerminal(deps, limits, agent.id);
  return { limits, ...(denied === undefined ? {} : { denied }) };
}

function deniedAgent({ limits, agentsUsed }: UserLimits): LimitReason | undefined {
  if (limits.kind === "unlimited" || agentsUsed < limits.maxAgents) return undefined;
  return limits.maxAgents === 0 ? "AGENT_NOT_IN_PLAN" : "AGENT_LIMIT_REACHED";
}

async function deniedTerminal(
  deps: CheckPlanDeps,
  { user, limits }: UserLimits,
  agentId: AgentId,
): Promise<LimitReason | undefined> {
  const limit = limits.kind === "unlimited" ? undefined : limits.maxTerminalAgents;
  const answer = await deps.slots.check({ userId: user.id, agentId }, limit);
  return answer.granted ? undefined : "AGENT_TERMINAL_LIMIT_REACHED";
}
