// May this caller open this terminal, now? Takes nothing and changes nothing.

import type { AgentId, SessionId } from "../../../protocol/ids.ts";
import { mayOpenTerminal, requireScope, type UserIdentity } from "../access/rules.ts";
import { type Agent, isSaidToBeConnected } from "../agents/agent.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { DomainError } from "../domain-error.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import { checkPlanForTerminal, type TerminalLimitDeps } from "../plans/check-plan.ts";
import { denyByLimit, type DenyByLimitDeps } from "../plans/limit-denials.ts";
import type { TerminalSlots } from "../plans/plan.ts";

/** Whether an agent's socket answers, on whichever instance. */
export interface AgentPresence {
  isOnline(agentId: AgentId): Promise<boolean>;
}

export interface CheckTerminalDeps extends ReachableAgentDeps, TerminalLimitDeps, DenyByLimitDeps, RequireGrantDeps {
  presence: AgentPresence;
  slots: Pick<TerminalSlots, "check">;
}

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED. */
export async function checkTerminal(
  deps: CheckTerminalDeps,
  input: { caller: UserIdentity; agentId: string; terminal: { sessionId: SessionId; readOnly: boolean } },
): Promise<Agent> {
  const caller = requireScope(input.caller, "read");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  if (!mayOpenTerminal(caller, agent, input.terminal)) {
    const detail = { reason: "NOT_AUTHORIZED" };
    deps.refusals.note({ identity: caller, subject: `agent:${agent.id}`, userId: agent.userId, detail });
    throw new DomainError("NOT_AUTHORIZED");
  }
  await requireGrant(deps, { identity: caller, agent });
  await requireOnline(deps, agent);
  await checkSlot(deps, { caller, agent });
  return agent;
}

/** Throws AGENT_OFFLINE, AGENT_RECONNECTING. */
export async function requireOnline(deps: { presence: AgentPresence }, agent: Agent): Promise<void> {
  if (await deps.presence.isOnline(agent.id)) return;
  const reason = isSaidToBeConnected(agent) ? "AGENT_RECONNECTING" : "AGENT_OFFLINE";
  throw new DomainError(reason, agent.lastSeenAt === undefined ? {} : { lastSeenAt: agent.lastSeenAt });
}

/** Nothing is taken: the socket takes the slot, or is refused then. */
async function checkSlot(deps: CheckTerminalDeps, { caller, agent }: { caller: UserIdentity; agent: Agent }) {
  const limit = await checkPlanForTerminal(deps, caller.user);
  const answer = await deps.slots.check({ userId: caller.user.id, agentId: agent.id }, limit);
  if (answer.granted) return;
  throw denyByLimit(deps, {
    by: caller,
    reason: "AGENT_TERMINAL_LIMIT_REACHED",
    limit: limit ?? 0,
    used: answer.used,
    agentId: agent.id,
  });
}
