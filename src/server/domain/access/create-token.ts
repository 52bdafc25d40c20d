// Makes an API token that can do no more than the credential that asks for it; in place of an older one, if so asked.

import type { TokenId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { issueToken } from "./issue-token.ts";
import { parseRequestId } from "./request-id.ts";
import { requireScope, scopeCovers } from "./rules.ts";
import type { CreatedToken, Secrets, Token, TokenStore } from "./token.ts";
import { type TokenShape, tokenShape, type TokenShapeDeps, type TokenShapeInput } from "./token-shape.ts";

export interface CreateTokenDeps extends TokenShapeDeps {
  tokens: TokenShapeDeps["tokens"] & Pick<TokenStore, "create">;
  secrets: Secrets;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface CreateTokenInput extends TokenShapeInput {
  expiresAt?: Date | undefined;
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

/** Beyond the year 9999 dates have another shape, which not every reader of them knows. */
const LATEST_EXPIRY_MS = Date.UTC(9999, 11, 31);

/** Throws INVALID_ARGUMENT, NOT_AUTHORIZED (a scope that the caller lacks), AGENT_NOT_FOUND, MFA_REQUIRED, TOKEN_NOT_FOUND. */
export async function createToken(
  deps: CreateTokenDeps,
  input: CreateTokenInput,
): Promise<{ token: Token; secret: string }> {
  const caller = requireScope(input.caller, "write");
  checkExpiry(input.expiresAt, deps.clock);
  const requestId = parseRequestId(input.requestId);
  const shape = await tokenShape(deps, input);
  const expiresAt = soonestEnd(input.expiresAt ?? shape.expiresAt, caller.credential.tokenExpiresAtMs);
  for (const scope of shape.scopes) {
    if (scope !== "agent" && !scopeCovers(caller.scope, scope)) throw new DomainError("NOT_AUTHORIZED");
  }

  const id = deps.secrets.randomUuid() as TokenId;
  const { secret, hash, prefix } = issueToken(deps.secrets);
  input.signal?.throwIfAborted();
  const created = await deps.tokens.create(
    {
      id,
      userId: caller.user.id,
      hash,
      prefix,
      ...shape,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(requestId === undefined ? {} : { requestId }),
    },
    {
      at: new Date(deps.clock.now()),
      type: "token.created",
      subject: `token:${id}`,
      actor: `user:${caller.user.id}`,
      userId: caller.user.id,
      detail: detailOf(shape),
    },
  );
  tell(deps, created);
  return { token: created.token, secret };
}

function detailOf({ name, scopes, replaces }: TokenShape): Record<string, string> {
  return { name, scopes: scopes.join(","), ...(replaces === undefined ? {} : { replaces: replaces.id }) };
}

function tell({ events }: Pick<CreateTokenDeps, "events">, { token, replacedHash, ended }: CreatedToken): void {
  const { id: tokenId, userId } = token;
  if (replacedHash === undefined) events.publish({ type: "token.created", tokenId, userId });
  else events.publish({ type: "token.revoked", tokenHash: replacedHash, userId });
  if (ended === undefined) return;
  const { hash: tokenHash, expiresAt } = ended;
  if (expiresAt === undefined) events.publish({ type: "token.revoked", tokenHash, userId });
  else events.publish({ type: "token.shortened", tokenHash, userId, expiresAt });
}

/** No token makes one that outlives it: else a credential could renew itself for ever. */
function soonestEnd(wanted: Date | undefined, ownEndMs: number | undefined): Date | undefined {
  if (ownEndMs === undefined) return wanted;
  return wanted !== undefined && wanted.getTime() < ownEndMs ? wanted : new Date(ownEndMs);
}

function checkExpiry(expiresAt: Date | undefined, clock: Clock): void {
  if (expiresAt === undefined) return;
  const atMs = expiresAt.getTime();
  if (Number.isNaN(atMs) || atMs > LATEST_EXPIRY_MS) throw invalidField("expires_at", "is no acceptable time");
  if (atMs <= clock.now()) throw invalidField("expires_at", "must be in the future");
}
