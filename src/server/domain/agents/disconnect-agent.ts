// Closes an agent's socket. The agent dials in again by itself: to another instance, or with a clean connection.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { AgentControl } from "../terminals/sessions.ts";
import { reachableAgent, type ReachableAgentDeps } from "./reachable-agent.ts";

export interface DisconnectAgentDeps extends ReachableAgentDeps, RequireGrantDeps {
  control: AgentControl;
  audit: AuditLog;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_OFFLINE. */
export async function disconnectAgent(
  deps: DisconnectAgentDeps,
  input: { caller: UserIdentity; agentId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  await requireGrant(deps, { identity: caller, agent });
  input.signal?.throwIfAborted();
  const answer = await deps.control.disconnectAgent(agent.id);
  if (answer !== "told") {
    throw new DomainError(answer, agent.lastSeenAt === undefined ? {} : { lastSeenAt: agent.lastSeenAt });
  }
  await deps.audit.append({
    at: new Date(deps.clock.now()),
    type: "agent.disconnect_requested",
    subject: `agent:${agent.id}`,
    actor: `user:${caller.user.id}`,
    userId: agent.userId,
    detail: {},
  });
}
