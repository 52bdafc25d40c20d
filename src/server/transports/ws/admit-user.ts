// May this caller open a terminal on this agent, now? Asked at the handshake, so that a refusal is plain HTTP.

import { authenticateFrom, type AuthenticateFromDeps } from "../../domain/access/admission.ts";
import { type Peer, takeAttempt } from "../../domain/access/attempts.ts";
import type { Identity } from "../../domain/access/identity.ts";
import { mayOpenTerminal } from "../../domain/access/rules.ts";
import type { Agent, AgentStore } from "../../domain/agents/agent.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { type AgentId, type ConnectionId, MAIN_SESSION, type SessionId, type UserId } from "../../../protocol/ids.ts";
import { type AdmittedViewer, admitViewer, type AdmitViewerDeps } from "../../domain/terminals/admit-viewer.ts";
import type { TerminalSlots } from "../../domain/plans/plan.ts";

export interface AdmitUserDeps extends AdmitViewerDeps {
  authenticate: AuthenticateFromDeps;
  agents: Pick<AgentStore, "get">;
  slots: Pick<TerminalSlots, "acquire" | "release">;
}

export interface AdmittedUser extends AdmittedViewer {
  agent: Agent;
  userId: UserId;
  identity: Identity;
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
  const admitted = await admitViewer(deps, { identity, agent, connectionId: input.connectionId });
  return { ...admitted, agent, userId: identity.user.id, identity, mayOpen };
}
