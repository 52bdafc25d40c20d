// Checks that a terminal may be opened, and makes the ticket that opens it.

import { type AgentId, MAIN_SESSION, parseShellId, type SessionId } from "../../../protocol/ids.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { JwtCodec, Secrets } from "../access/token.ts";
import type { Agent } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import { invalidField } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import { checkTerminal, type CheckTerminalDeps } from "./check-terminal.ts";

export interface OpenTerminalDeps extends CheckTerminalDeps {
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
  const terminal = { sessionId, readOnly: input.readOnly };
  const agent = await checkTerminal(deps, { caller, agentId: input.agentId, terminal });
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
