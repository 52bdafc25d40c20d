// Registers an agent, within the owner's plan, and makes the token that holds its socket.

import type { AgentId, TokenId } from "../../../protocol/ids.ts";
import { issueToken } from "../access/issue-token.ts";
import { parseRequestId } from "../access/request-id.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { denyByLimit, type DenyByLimitDeps, type LimitDenial } from "../plans/limit-denials.ts";
import type { Agent, AgentStore, NewAgentToken, RegisterResult } from "./agent.ts";
import { checkAgentFields } from "./agent-fields.ts";

export interface RegisterAgentDeps extends DenyByLimitDeps {
  agents: Pick<AgentStore, "register">;
  secrets: Secrets;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface RegisterAgentInput {
  caller: UserIdentity;
  agent: { name: string; description: string; os: string; arch: string; shell: string; tags: readonly string[] };
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

export interface RegisteredAgent {
  agent: Agent;
  /** The secret: in this one answer and nowhere else. */
  token: string;
  tokenId: TokenId;
  tokenName: string;
}

/** Throws INVALID_ARGUMENT, AGENT_LIMIT_REACHED, AGENT_NOT_IN_PLAN, AGENT_NAME_TAKEN, MFA_REQUIRED. */
export async function registerAgent(deps: RegisterAgentDeps, input: RegisterAgentInput): Promise<RegisteredAgent> {
  const { user } = requireScope(input.caller, "write");
  checkAgentFields(input.agent);
  const requestId = parseRequestId(input.requestId);
  const id = deps.secrets.randomUuid() as AgentId;
  const issued = newAgentToken(deps.secrets);

  // Who has hung up gets no agent: the last moment at which that can be had for nothing.
  input.signal?.throwIfAborted();
  const result = await deps.agents.register(
    { ...input.agent, id, userId: user.id, ...(requestId === undefined ? {} : { requestId }) },
    issued.stored(input.agent.name),
    {
      at: new Date(deps.clock.now()),
      type: "agent.registered",
      subject: `agent:${id}`,
      actor: `user:${user.id}`,
      userId: user.id,
      detail: { name: input.agent.name },
    },
  );
  return registeredAgent(deps, { by: input.caller, result, issued });
}

export interface IssuedAgentToken {
  id: TokenId;
  secret: string;
  /** `name`: the agent's. */
  stored(name: string): NewAgentToken;
}

export function newAgentToken(secrets: Secrets): IssuedAgentToken {
  const id = secrets.randomUuid() as TokenId;
  const { secret, hash, prefix } = issueToken(secrets);
  return { id, secret, stored: (name) => ({ id, name: tokenNameOf(name), hash, prefix }) };
}

function tokenNameOf(agentName: string): string {
  return `agent-${agentName}`;
}

/** What came of it, told to whoever listens; what the store has refused is thrown. */
export function registeredAgent(
  deps: DenyByLimitDeps,
  { by, result, issued }: { by: LimitDenial["by"]; result: RegisterResult; issued: IssuedAgentToken },
): RegisteredAgent {
  switch (result.outcome) {
    case "created":
      deps.events.publish({ type: "limits.changed", userId: result.agent.userId });
      deps.events.publish({ type: "agent.registered", agent: result.agent });
      return answerOf(result.agent, issued);
    case "repeated":
      for (const tokenHash of result.revokedTokenHashes) {
        deps.events.publish({ type: "token.revoked", tokenHash, userId: result.agent.userId });
      }
      return answerOf(result.agent, issued);
    case "limit_reached": {
      const { limit, used } = result;
      throw denyByLimit(deps, { by, reason: "AGENT_LIMIT_REACHED", limit, used });
    }
    case "not_in_plan":
      throw denyByLimit(deps, { by, reason: "AGENT_NOT_IN_PLAN", limit: 0, used: result.used });
    case "name_taken":
      throw new DomainError("AGENT_NAME_TAKEN");
    case "mfa_required":
      throw new DomainError("MFA_REQUIRED");
    default:
      return result satisfies never;
  }
}

function answerOf(agent: Agent, { id, secret }: IssuedAgentToken): RegisteredAgent {
  return { agent, token: secret, tokenId: id, tokenName: tokenNameOf(agent.name) };
}
