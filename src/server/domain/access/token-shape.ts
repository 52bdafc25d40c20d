// What a new token is called and what it may do: as asked, or as the token that it replaces.

import type { AgentId } from "../../../protocol/ids.ts";
import { nameProblem } from "../../../protocol/names.ts";
import type { AgentStore } from "../agents/agent.ts";
import { reachableAgent } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { Scope } from "./identity.ts";
import { reachableToken } from "./reachable-token.ts";
import type { Refusals } from "./refusals.ts";
import type { UserIdentity } from "./rules.ts";
import type { ReplacedToken, TokenStore } from "./token.ts";

export interface TokenShapeDeps extends RequireGrantDeps {
  tokens: Pick<TokenStore, "get">;
  agents: Pick<AgentStore, "get">;
  refusals: Pick<Refusals, "note">;
  clock: Clock;
}

export interface TokenShape {
  name: string;
  scopes: readonly Scope[];
  /** For the scope "agent". */
  agentId?: AgentId;
  replaces?: ReplacedToken;
  /** Of the token that is replaced: the new one has no more time, unless more was asked for. */
  expiresAt?: Date;
}

export interface TokenShapeInput {
  caller: UserIdentity;
  name: string;
  scopes: readonly Scope[];
  /** "" for none. */
  agentId: string;
  /** The token whose place the new one takes; "" for none. */
  replacesTokenId: string;
  /** For how long the replaced token goes on; undefined or 0: it is revoked at once. */
  overlapMs?: number | undefined;
}

/** Long enough to bring a new secret everywhere, short enough for the old one to be gone. */
const MAX_OVERLAP_MS = 30 * 86_400_000;

export function tokenShape(deps: TokenShapeDeps, input: TokenShapeInput): Promise<TokenShape> {
  return input.replacesTokenId === "" ? askedShape(deps, input) : inheritedShape(deps, input);
}

async function askedShape(deps: TokenShapeDeps, input: TokenShapeInput): Promise<TokenShape> {
  checkName(input.name);
  if (input.overlapMs !== undefined) throw invalidField("overlap", "is for a token that is replaced");
  const scopes = [...new Set(input.scopes)];
  const agentId = await boundAgent(deps, { caller: input.caller, scopes, agentId: input.agentId });
  return { name: input.name, scopes, ...(agentId === undefined ? {} : { agentId }) };
}

async function inheritedShape(deps: TokenShapeDeps, input: TokenShapeInput): Promise<TokenShape> {
  if (input.name !== "") checkName(input.name);
  if (input.scopes.length > 0) throw invalidField("scopes", "are those of the token that is replaced");
  if (input.agentId !== "") throw invalidField("agent_id", "is that of the token that is replaced");
  const { caller, overlapMs = 0, replacesTokenId: tokenId } = input;
  if (!(overlapMs >= 0 && overlapMs <= MAX_OVERLAP_MS)) throw invalidField("overlap", "must be 0 to 30 days");
  const old = await reachableToken(deps, { caller, tokenId, field: "replaces_token_id" });
  // The new one would belong to its maker.
  if (old.userId !== caller.user.id) throw new DomainError("NOT_AUTHORIZED");
  if (old.agentId !== undefined) await requireGrantFor(deps, caller, old.agentId);
  const until = overlapMs === 0 ? {} : { until: new Date(deps.clock.now() + overlapMs) };
  return {
    name: input.name || old.name,
    scopes: old.scopes,
    replaces: { id: old.id, ...until },
    ...(old.agentId === undefined ? {} : { agentId: old.agentId }),
    ...(old.expiresAt === undefined ? {} : { expiresAt: old.expiresAt }),
  };
}

function checkName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalidField("name", problem);
}

/** The scope "agent" stands alone, with an agent of the caller's own; every other stands without one. */
async function boundAgent(
  deps: TokenShapeDeps,
  { caller, scopes, agentId }: { caller: UserIdentity; scopes: readonly Scope[]; agentId: string },
): Promise<AgentId | undefined> {
  if (scopes.length === 0) throw invalidField("scopes", "must not be empty");
  if (!scopes.includes("agent")) {
    if (agentId !== "") throw invalidField("agent_id", "is for the scope agent only");
    return undefined;
  }
  if (scopes.length > 1) throw invalidField("scopes", "agent can't be combined with other scopes");
  return requireGrantFor(deps, caller, agentId);
}

/** A token of an agent speaks for it: of a locked one it is made for who may enter. */
async function requireGrantFor(deps: TokenShapeDeps, caller: UserIdentity, agentId: string): Promise<AgentId> {
  const agent = await reachableAgent(deps, { caller, agentId });
  // The token would belong to its maker, and only its agent's owner may hold a token of it.
  if (agent.userId !== caller.user.id) throw new DomainError("NOT_AUTHORIZED");
  await requireGrant(deps, { identity: caller, agent });
  return agent.id;
}
