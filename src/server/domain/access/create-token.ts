// Makes an API token that can do no more than the credential that asks for it.

import type { AgentId, TokenId } from "../../../protocol/ids.ts";
import { nameProblem } from "../../../protocol/names.ts";
import type { AgentStore } from "../agents/agent.ts";
import { reachableAgent } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { Scope } from "./identity.ts";
import { issueToken } from "./issue-token.ts";
import type { Refusals } from "./refusals.ts";
import { parseRequestId } from "./request-id.ts";
import { requireScope, scopeCovers, type UserIdentity } from "./rules.ts";
import type { Secrets, Token, TokenStore } from "./token.ts";

export interface CreateTokenDeps extends RequireGrantDeps {
  tokens: Pick<TokenStore, "create">;
  agents: Pick<AgentStore, "get">;
  refusals: Pick<Refusals, "note">;
  secrets: Secrets;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface CreateTokenInput {
  caller: UserIdentity;
  name: string;
  scopes: readonly Scope[];
  /** "" for none. */
  agentId: string;
  expiresAt?: Date | undefined;
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

/** Beyond the year 9999 dates have another shape, which not every reader of them knows. */
const LATEST_EXPIRY_MS = Date.UTC(9999, 11, 31);

/** Throws INVALID_ARGUMENT, NOT_AUTHORIZED (a scope that the caller lacks), AGENT_NOT_FOUND, MFA_REQUIRED. */
export async function createToken(
  deps: CreateTokenDeps,
  input: CreateTokenInput,
): Promise<{ token: Token; secret: string }> {
  const caller = requireScope(input.caller, "write");
  const nameIssue = nameProblem(input.name);
  if (nameIssue !== undefined) throw invalidField("name", nameIssue);
  checkExpiry(input.expiresAt, deps.clock);
  const requestId = parseRequestId(input.requestId);
  const scopes = [...new Set(input.scopes)];
  const agentId = await boundAgent(deps, { caller, scopes, agentId: input.agentId });
  for (const scope of scopes) {
    if (scope !== "agent" && !scopeCovers(caller.scope, scope)) throw new DomainError("NOT_AUTHORIZED");
  }

  const id = deps.secrets.randomUuid() as TokenId;
  const { secret, hash, prefix } = issueToken(deps.secrets);
  input.signal?.throwIfAborted();
  const { token, replacedHash } = await deps.tokens.create(
    {
      id,
      userId: caller.user.id,
      name: input.name,
      hash,
      prefix,
      scopes,
      ...(agentId === undefined ? {} : { agentId }),
      ...(input.expiresAt === undefined ? {} : { expiresAt: input.expiresAt }),
      ...(requestId === undefined ? {} : { requestId }),
    },
    {
      at: new Date(deps.clock.now()),
      type: "token.created",
      subject: `token:${id}`,
      actor: `user:${caller.user.id}`,
      userId: caller.user.id,
      detail: { name: input.name, scopes: scopes.join(",") },
    },
  );
  if (replacedHash !== undefined) {
    deps.events.publish({ type: "token.revoked", tokenHash: replacedHash, userId: caller.user.id });
  }
  return { token, secret };
}

/** The scope "agent" stands alone, with an agent of the caller's own; every other stands without one. */
async function boundAgent(
  deps: CreateTokenDeps,
  { caller, scopes, agentId }: { caller: UserIdentity; scopes: readonly Scope[]; agentId: string },
): Promise<AgentId | undefined> {
  if (scopes.length === 0) throw invalidField("scopes", "must not be empty");
  if (!scopes.includes("agent")) {
    if (agentId !== "") throw invalidField("agent_id", "is for the scope agent only");
    return undefined;
  }
  if (scopes.length > 1) throw invalidField("scopes", "agent can't be combined with other scopes");
  const agent = await reachableAgent(deps, { caller, agentId });
  // The token would belong to its maker, and only its agent's owner may hold a token of it.
  if (agent.userId !== caller.user.id) throw new DomainError("NOT_AUTHORIZED");
  await requireGrant(deps, { identity: caller, agent });
  return agent.id;
}

function checkExpiry(expiresAt: Date | undefined, clock: Clock): void {
  if (expiresAt === undefined) return;
  const atMs = expiresAt.getTime();
  if (Number.isNaN(atMs) || atMs > LATEST_EXPIRY_MS) throw invalidField("expires_at", "is no acceptable time");
  if (atMs <= clock.now()) throw invalidField("expires_at", "must be in the future");
}
