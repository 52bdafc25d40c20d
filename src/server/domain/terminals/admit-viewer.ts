// May somebody who may open terminals on this agent open one now? By whichever edge: the lock, the way there, the slot.

import type { ConnectionId } from "../../../protocol/ids.ts";
import type { Identity } from "../access/identity.ts";
import type { Agent } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import { denyByLimit, type DenyByLimitDeps } from "../plans/limit-denials.ts";
import type { GuestSlot, TerminalSlot, TerminalSlots } from "../plans/plan.ts";
import type { AgentRoutes } from "./agent-routes.ts";

export interface ReachAgentDeps extends RequireGrantDeps {
  agentRoutes: Pick<AgentRoutes, "reachSoon">;
}

export interface AdmitViewerDeps extends ReachAgentDeps, DenyByLimitDeps {
  slots: Pick<TerminalSlots, "acquire">;
  /** How many agents the user may have terminals on at once; undefined: any number. */
  terminalLimit(user: Identity["user"]): Promise<number | undefined>;
}

export interface AdmittedViewer {
  /** Where the agent is locked: when the login's grant ends. */
  grantedUntil: Date | undefined;
  /** Taken for the connection: to be released when it ends. */
  slot: TerminalSlot | GuestSlot;
}

/** Throws MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED, BACKEND_UNAVAILABLE. */
export async function admitViewer(
  deps: AdmitViewerDeps,
  input: { identity: Identity; agent: Agent; connectionId: ConnectionId },
): Promise<AdmittedViewer> {
  const { identity, agent, connectionId } = input;
  const grantedUntil = await reachAgent(deps, { identity, agent });
  const slot = await takeSlot(deps, identity, { userId: identity.user.id, agentId: agent.id, connectionId });
  return { grantedUntil, slot };
}

/** Until when the lock lets this login in, as requireGrant says it. Throws MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, BACKEND_UNAVAILABLE. */
export async function reachAgent(
  deps: ReachAgentDeps,
  { identity, agent }: { identity: Identity; agent: Agent },
): Promise<Date | undefined> {
  const grantedUntil = await requireGrant(deps, { identity, agent });
  const reachability = await deps.agentRoutes.reachSoon(agent);
  if (reachability !== "online") {
    throw new DomainError(reachability, agent.lastSeenAt === undefined ? {} : { lastSeenAt: agent.lastSeenAt });
  }
  return grantedUntil;
}

/** Admins who look in take none of the owner's slots but one of their own; guests those of their share (shares/). */
async function takeSlot(deps: AdmitViewerDeps, identity: Identity, slot: TerminalSlot): Promise<TerminalSlot> {
  const limit = await deps.terminalLimit(identity.user);
  const result = await deps.slots.acquire(slot, limit);
  if (result.granted) return slot;
  const reason = "AGENT_TERMINAL_LIMIT_REACHED";
  throw denyByLimit(deps, { by: identity, reason, limit: limit ?? 0, used: result.used, agentId: slot.agentId });
}
