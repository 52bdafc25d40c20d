// Checks that a terminal may be opened, and makes the ticket that opens it.

import { type AgentId, MAIN_SESSION, parseShellId, type SessionId } from "../../../protocol/ids.ts";
import { mayOpenTerminal, requireScope, type UserIdentity } from "../access/rules.ts";
import type { JwtCodec, Secrets } from "../access/token.ts";
import { type Agent, isSaidToBeConnected } from "../agents/agent.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import { checkPlanForTerminal, type TerminalLimitDeps } from "../plans/check-plan.ts";
import { denyByLimit, type DenyByLimitDeps } from "../plans/limit-denials.ts";
import type { TerminalSlots } from "../plans/plan.ts";

/** Whether an agent's socket answers, on whichever instance. */
export interface AgentPresence {
  isOnline(agentId: AgentId): Promise<boolean>;
}

export interface OpenTerminalDeps extends ReachableAgentDeps, TerminalLimitDeps, DenyByLimitDeps, RequireGrantDeps {
  presence: AgentPresence;
  slots: Pick<TerminalSlots, "check">;
  jwt: Pick<JwtCodec, "sign">;
  secrets: Secrets;
  audit: AuditLog;
  clock: Clock;
  /** "ws://host:port" or "wss://host", without a path: where viewers reach this server. */
  terminalBaseUrl(): string;
}

export interface OpenTerminalInput {
  caller: UserIdentity;
  agentId: string;
  newSession: boolean;
  /** "" for none. */
  sessionId: string;
  readOnly: boolean;
  signal?: AbortSignal;
}

export interface TerminalTicket {
  url: string;
  ticket: string;
  expiresAt: Date;
  sessionId: SessionId;
}

/** Long enough to dial, short enough to be worth nothing in a log. */
const TICKET_LIFETIME_S = 60;

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED. */
export async function openTerminal(deps: OpenTerminalDeps, input: OpenTerminalInput): Promise<TerminalTicket> {
  const caller = requireScope(input.caller, "read");
  const sessionId = chooseSession(deps, input);
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  const terminal = { sessionId, readOnly: input.readOnly };
  if (!mayOpenTerminal(caller, agent, terminal)) {
    const detail = { reason: "NOT_AUTHORIZED" };
    deps.refusals.note({ identity: caller, subject: `agent:${agent.id}`, userId: agent.userId, detail });
    throw new DomainError("NOT_AUTHORIZED");
  }
  await requireGrant(deps, { identity: caller, agent });
  if (!(await deps.presence.isOnline(agent.id))) {
    const reason = isSaidToBeConnected(agent) ? "AGENT_RECONNECTING" : "AGENT_OFFLINE";
    throw new DomainError(reason, agent.lastSeenAt === undefined ? {} : { lastSeenAt: agent.lastSeenAt });
  }
  await checkSlot(deps, { caller, agent });
  input.signal?.throwIfAborted();
  return issueTicket(deps, { caller, agent, terminal, newSession: input.newSession });
}

function chooseSession(deps: OpenTerminalDeps, input: OpenTerminalInput): SessionId {
  if (input.newSession) {
    if (input.sessionId !== "") throw invalidField("session_id", "must be empty with new_session");
    return `split-${deps.secrets.randomUuid()}` as SessionId;
  }
  if (input.sessionId === "") return MAIN_SESSION;
  const sessionId = parseShellId(input.sessionId);
  if (sessionId === undefined) throw invalidField("session_id", 'must be "main" or "split-…"');
  return sessionId;
}

/** Nothing is taken: the socket that the ticket opens takes the slot, or is refused then. */
async function checkSlot(deps: OpenTerminalDeps, { caller, agent }: { caller: UserIdentity; agent: Agent }) {
  const limit = await checkPlanForTerminal(deps, caller.user);
  const answer = await deps.slots.check({ userId: caller.user.id, agentId: agent.id }, limit);
  if (answer.granted) return;
  throw denyByLimit(deps, {
    identity: caller,
    reason: "AGENT_TERMINAL_LIMIT_REACHED",
    limit: limit ?? 0,
    used: answer.used,
    agentId: agent.id,
  });
}

async function issueTicket(
  deps: OpenTerminalDeps,
  ticketed: {
    caller: UserIdentity;
    agent: Agent;
    terminal: { sessionId: SessionId; readOnly: boolean };
    newSession: boolean;
  },
): Promise<TerminalTicket> {
  const { caller, agent, terminal, newSession } = ticketed;
  const { sessionId, readOnly } = terminal;
  const { credential } = caller;
  const iat = Math.floor(deps.clock.now() / 1000);
  const exp = Math.min(
    iat + TICKET_LIFETIME_S,
    Math.floor((credential.expiresAtMs ?? Number.POSITIVE_INFINITY) / 1000),
  );
  const ticket = await deps.jwt.sign({
    user_id: caller.user.id,
    iat,
    exp,
    sid: credential.sid,
    scope: caller.scope,
    token_hash: credential.tokenHash,
    ticket: { agent_id: agent.id, session_id: sessionId, new_session: newSession, read_only: readOnly },
  });
  await deps.audit.append({
    at: new Date(deps.clock.now()),
    type: "terminal.ticket_issued",
    subject: `session:${agent.id}/${sessionId}`,
    actor: `user:${caller.user.id}`,
    userId: agent.userId,
    detail: { read_only: String(readOnly) },
  });
  return { url: terminalUrl(deps, agent.id, sessionId), ticket, expiresAt: new Date(exp * 1000), sessionId };
}

/** The address that viewers of either protocol understand: a split is named by what follows "split-". */
function terminalUrl(deps: OpenTerminalDeps, agentId: AgentId, sessionId: SessionId): string {
  const url = new URL(`/ws/agent/${agentId}/terminal`, deps.terminalBaseUrl());
  const isMain = sessionId === MAIN_SESSION;
  if (!isMain) url.searchParams.set("id", sessionId.slice("split-".length));
  url.searchParams.set("newSession", String(!isMain));
  return url.href;
}
