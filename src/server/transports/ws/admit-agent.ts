// May this caller hold this agent's socket, now? Asked at the handshake, so that a refusal is plain HTTP.

import type { IncomingHttpHeaders } from "node:http";
import { authenticateFrom, type AuthenticateFromDeps } from "../../domain/access/admission.ts";
import type { Peer } from "../../domain/access/attempts.ts";
import type { Identity } from "../../domain/access/identity.ts";
import { mayHoldAgentSocket } from "../../domain/access/rules.ts";
import type { Agent, AgentStore, ConnectionFacts } from "../../domain/agents/agent.ts";
import { requireGrant, type RequireGrantDeps } from "../../domain/mfa/require-grant.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { type AgentId, type BootId, parseBootId } from "../../../protocol/ids.ts";
import { harmlessText } from "../../../protocol/names.ts";
import type { AgentsEverywhere } from "../../domain/terminals/agents-everywhere.ts";

export interface AdmitAgentDeps extends RequireGrantDeps {
  authenticate: AuthenticateFromDeps;
  agents: Pick<AgentStore, "get">;
  agentsEverywhere: Pick<AgentsEverywhere, "mayConnect">;
}

/** Throws the DomainError that the handshake is refused with. */
export async function admitAgent(
  deps: AdmitAgentDeps,
  input: { token: string; peer: Peer; agentId: AgentId; headers: IncomingHttpHeaders },
): Promise<{ identity: Identity; agent: Agent; bootId: BootId | undefined; facts: ConnectionFacts }> {
  const identity = await authenticateFrom(deps.authenticate, { presented: input.token, peer: input.peer });
  const agent = await deps.agents.get(input.agentId);
  if (!agent) throw new DomainError("AGENT_NOT_FOUND");
  if (!mayHoldAgentSocket(identity, agent)) throw new DomainError("NOT_AUTHORIZED");
  // Whoever holds the socket of a locked agent is typed to by those who may enter it: its own token may, and no other
  // token of its owner without a code.
  if (identity.kind !== "agent") await requireGrant(deps, { identity, agent });
  const bootId = parseBootId(header(input.headers, "x-rexec-boot-id") ?? "");
  if (!(await deps.agentsEverywhere.mayConnect(agent.id, bootId))) throw new DomainError("AGENT_ALREADY_CONNECTED");
  return { identity, agent, bootId, facts: readFacts(input.headers) };
}

function readFacts(headers: IncomingHttpHeaders): ConnectionFacts {
  const facts: ConnectionFacts = {};
  for (const name of ["os", "arch", "shell", "distro"] as const) {
    const value = header(headers, `x-agent-${name}`);
    if (value !== undefined && value !== "") facts[name] = harmlessText(value);
  }
  return facts;
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
