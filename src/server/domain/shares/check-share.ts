// What a guest may know of the share whose secret it holds, and whether it could be opened now.

import { type GuestIdentity, mayStay } from "../access/rules.ts";
import type { Agent, AgentStore } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { TerminalSlots } from "../plans/plan.ts";
import { type AgentPresence, requireOnline } from "../terminals/check-terminal.ts";

export interface SharedAgentDeps {
  agents: Pick<AgentStore, "get">;
}

export interface CheckShareDeps extends SharedAgentDeps, RequireGrantDeps {
  presence: AgentPresence;
  slots: Pick<TerminalSlots, "used">;
}

/** The agent whose session is shared. Throws AGENT_NOT_FOUND, and SHARE_ENDED where who shares may not open it any more. */
export async function sharedAgent(deps: SharedAgentDeps, guest: GuestIdentity): Promise<Agent> {
  const { share } = guest;
  const agent = await deps.agents.get(share.agentId);
  if (agent === undefined) throw new DomainError("AGENT_NOT_FOUND");
  if (!mayStay(guest, agent)) throw new DomainError("SHARE_ENDED", { share });
  return agent;
}

/** Takes nothing. Throws AGENT_NOT_FOUND, SHARE_ENDED, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, SHARE_FULL. */
export async function checkShare(deps: CheckShareDeps, guest: GuestIdentity): Promise<void> {
  const agent = await sharedAgent(deps, guest);
  await requireGrant(deps, { identity: guest, agent });
  await requireOnline(deps, agent);
  const { id, maxViewers: limit } = guest.share;
  const used = await deps.slots.used(id);
  if (used >= limit) throw new DomainError("SHARE_FULL", { quota: { limit, used } });
}
