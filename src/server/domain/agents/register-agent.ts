// Registers an agent, within the owner's plan, and makes the token that holds its socket.

import type { AgentId, TokenId } from "../../../protocol/ids.ts";
import { issueToken } from "../access/issue-token.ts";
import { parseRequestId } from "../access/request-id.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { denyByLimit, type DenyByLimitDeps } from "../plans/limit-denials.ts";
import type { Agent, AgentStore } from "./agent.ts";
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
  const tokenId = deps.secrets.randomUuid() as TokenId;
  const tokenName = `agent-${input.agent.name}`;
  const { secret, hash, prefix } = issueToken(deps.secrets);

  // Who has hung up gets no agent: the last moment at which that can be had for nothing.
  input.signal?.throwIfAborted();
  const result = await deps.agents.register(
    { ...input.agent, id, userId: user.id, ...(requestId === undefined ? {} : { requestId }) },
    { id: tokenId, name: tokenName, hash, prefix },
    {
      at: new Date(deps.clock.now()),
      type: "agent.registered",
      subject: `agent:${id}`,
      actor: `user:${user.id}`,
      userId: user.id,
      detail: { name: input.agent.name },
    },
  );

  switch (result.outcome) {
    case "created":
      deps.events.publish({ type: "limits.changed", userId: user.id });
      deps.events.publish({ type: "agent.registered", agent: result.agent });
      return { agent: result.agent, token: secret, tokenId, tokenName };
    case "repeated":
      for (const tokenHash of result.revokedTokenHashes) {
        deps.events.publish({ type: "token.revoked", tokenHash, userId: user.id });
      }
      return { agent: result.agent, token: secret, tokenId, tokenName };
    case "limit_reached": {
      const { limit, used } = result;
      throw denyByLimit(deps, { identity: input.caller, reason: "AGENT_LIMIT_REACHED", limit, used });
    }
    case "not_in_plan":
      throw denyByLimit(deps, { identity: input.caller, reason: "AGENT_NOT_IN_PLAN", limit: 0, used: result.used });
    case "name_taken":
      throw new DomainError("AGENT_NAME_TAKEN");
    case "mfa_required":
      throw new DomainError("MFA_REQUIRED");
    default:
      return result satisfies never;
  }
}
