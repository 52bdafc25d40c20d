// May this caller open a terminal on this agent, now? Asked at the handshake, so that a refusal is plain HTTP.

import { authenticateFrom, type AuthenticateFromDeps } from "../../domain/access/admission.ts";
import { type Peer, takeAttempt } from "../../domain/access/attempts.ts";
import type { Identity } from "../../domain/access/identity.ts";
import { type GuestIdentity, mayOpenTerminal } from "../../domain/access/rules.ts";
import type { Agent, AgentStore } from "../../domain/agents/agent.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { type AgentId, type ConnectionId, MAIN_SESSION, type SessionId, type UserId } from "../../../protocol/ids.ts";
import { type AdmittedViewer, admitViewer, type AdmitViewerDeps } from "../../domain/terminals/admit-viewer.ts";
import type { TerminalSlots } from "../../domain/plans/plan.ts";
import { admitGuestViewer, type AdmitGuestViewerDeps } from "../../domain/shares/admit-guest-viewer.ts";
import type { Guest } from "../../domain/terminals/viewer.ts";

export interface AdmitUserDeps extends AdmitViewerDeps, AdmitGuestViewerDeps {
  authenticate: AuthenticateFromDeps;
  agents: Pick<AgentStore, "get">;
  slots: Pick<TerminalSlots, "acquire" | "release">;
}

export interface AdmittedUser extends AdmittedViewer {
  agent: Agent;
  /** Of a guest: who shares. */
  userId: UserId;
  guest: Guest | undefined;
  identity: Identity;
  mayOpen(terminal: { sessionId: SessionId; readOnly: boolean }): boolean;
}

/** Throws the DomainError that the handshake is refused with. */
export async function admitUser(
  deps: AdmitUserDeps,
  input: { token: string; peer: Peer; agentId: AgentId; connectionId: ConnectionId },
): Promise<AdmittedUser> {
  const { token: presented, peer, connectionId } = input;
  const identity = await authenticateFrom(deps.authenticate, { presented, peer });
  const agent = await deps.agents.get(input.agentId);
  if (!agent) throw new DomainError("AGENT_NOT_FOUND");
  const mayOpen: AdmittedUser["mayOpen"] = (terminal) => mayOpenTerminal(identity, agent, terminal);
  // Which session is asked for is not known yet: only who may open none is refused here.
  if (!mayOpen({ sessionId: oneSessionOf(identity) ?? MAIN_SESSION, readOnly: true }))
    throw new DomainError("NOT_AUTHORIZED");
  const guest = identity.kind === "guest" ? identity : undefined;
  const account = guest?.share.id ?? identity.user.id;
  await takeAttempt(deps.authenticate.attempts, { action: "terminal", account, peer });
  const admitted = guest
    ? await admitGuestViewer(deps, { guest, agent, connectionId, peer })
    : await admitViewer(deps, { identity, agent, connectionId });
  return { ...admitted, agent, userId: identity.user.id, guest: guest && viewingGuest(guest), identity, mayOpen };
}

/** Where its credential is for one alone. */
function oneSessionOf(identity: Identity): SessionId | undefined {
  if (identity.kind === "guest") return identity.share.sessionId;
  return identity.credential.ticket?.sessionId as SessionId | undefined;
}

function viewingGuest({ share: { id: shareId, sessionStartedAt } }: GuestIdentity): Guest {
  return { shareId, sessionStartedAt };
}
