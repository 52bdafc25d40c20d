// May this caller open a terminal on this agent, now? Asked at the handshake, so that a refusal is plain HTTP.

import { authenticateFrom, type AuthenticateFromDeps } from "../../domain/access/admission.ts";
import { type Peer, takeAttempt } from "../../domain/access/attempts.ts";
import type { Identity } from "../../domain/access/identity.ts";
import { mayOpenTerminal } from "../../domain/access/rules.ts";
import type { Agent, AgentStore } from "../../domain/agents/agent.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { requireGrant, type RequireGrantDeps } from "../../domain/mfa/require-grant.ts";
import { type AgentId, type ConnectionId, MAIN_SESSION, type SessionId, type UserId } from "../../../protocol/ids.ts";
import type { AgentRoutes } from "../../domain/terminals/agent-routes.ts";
import { denyByLimit, type DenyByLimitDeps } from "../../domain/plans/limit-denials.ts";
import type { TerminalSlot, TerminalSlots } from "../../domain/plans/plan.ts";

export interface AdmitUserDeps extends RequireGrantDeps, DenyByLimitDeps {
  authenticate: AuthenticateFromDeps;
  agents: Pick<AgentStore, "get">;
  agentRoutes: Pick<AgentRoutes, "reachSoon">;
  slots: TerminalSlots;
  /** How many agents the user may have terminals on at once; undefined: any number. */
  terminalLimit(user: Identity["user"]): Promise<number | undefined>;
}

export interface AdmittedUser {
  agent: Agent;
  userId: UserId;
  identity: Identity;
  /** Where the agent is locked: when the login's grant ends. */
  grantedUntil: Date | undefined;
  /** Taken for the connection: to be released when it ends. */
  slot: TerminalSlot;
  mayOpen(terminal: { sessionId: SessionId; readOnly: boolean }): boolean;
}

/** Throws the DomainError that the handshake is refused with. */
export async function admitUser(
  deps: AdmitUserDeps,
  input: { token: string; peer: Peer; agentId: AgentId; connectionId: ConnectionId },
): Promise<AdmittedUser> {
  const identity = await authenticateFrom(deps.authenticate, { presented: input.token, peer: input.peer });
  const agent = await deps.agents.get(input.agentId);
  if (!agent) throw new DomainError("AGENT_NOT_FOUND");
  const mayOpen: AdmittedUser["mayOpen"] = (terminal) => mayOpenTerminal(identity, agent, terminal);
  const ticketSession = identity.credential.ticket?.sessionId as SessionId | undefined;
  // Which session is asked for is not known yet: only who may open none is refused here.
  if (!mayOpen({ sessionId: ticketSession ?? MAIN_SESSION, readOnly: true })) throw new DomainError("NOT_AUTHORIZED");
  await takeAttempt(deps.authenticate.attempts, { action: "terminal", userId: identity.user.id, peer: input.peer });
  const grantedUntil = await requireGrant(deps, { identity, agent });
  const reachability = await deps.agentRoutes.reachSoon(agent);
  if (reachability !== "online") {
    throw new DomainError(reachability, agent.lastSeenAt === undefined ? {} : { lastSeenAt: agent.lastSeenAt });
  }
  const slot = await takeSlot(deps, identity, {
    userId: identity.user.id,
    agentId: agent.id,
    connectionId: input.connectionId,
  });
  return { agent, userId: identity.user.id, identity, grantedUntil, slot, mayOpen };
}

/** People a terminal is shared with, and admins who look in, take none of the owner's slots but one of their own. */
async function takeSlot(deps: AdmitUserDeps, identity: Identity, slot: TerminalSlot): Promise<TerminalSlot> {
  const limit = await deps.terminalLimit(identity.user);
  const result = await deps.slots.acquire(slot, limit);
  if (result.granted) return slot;
  const reason = "AGENT_TERMINAL_LIMIT_REACHED";
  throw denyByLimit(deps, { identity, reason, limit: limit ?? 0, used: result.used, agentId: slot.agentId });
}
