// An API token of the domain as a message of the API, and scopes in both directions.

import { type Token as TokenMessage, TokenScope as ScopeNumber } from "../../../gen/rexec/token/v1/token_service.ts";
import type { Scope } from "../../domain/access/identity.ts";
import type { Token } from "../../domain/access/token.ts";
import { invalidField } from "../../domain/domain-error.ts";

const SCOPE_NUMBERS: Record<Scope, ScopeNumber> = {
  agent: ScopeNumber.TOKEN_SCOPE_AGENT,
  read: ScopeNumber.TOKEN_SCOPE_READ,
  write: ScopeNumber.TOKEN_SCOPE_WRITE,
  admin: ScopeNumber.TOKEN_SCOPE_ADMIN,
};

export function tokenMessage(token: Token): TokenMessage {
  return {
    id: token.id,
    name: token.name,
    prefix: token.prefix,
    scopes: token.scopes.map((scope) => SCOPE_NUMBERS[scope]),
    agentId: token.agentId ?? "",
    createdAt: token.createdAt,
    expiresAt: token.expiresAt,
    lastUsedAt: token.lastUsedAt,
    revokedAt: token.revokedAt,
    userId: token.userId,
  };
}

/** Throws INVALID_ARGUMENT for numbers that name no scope. */
export function scopesOf(numbers: readonly ScopeNumber[]): Scope[] {
  return numbers.map((number) => {
    const scope = (Object.keys(SCOPE_NUMBERS) as Scope[]).find((name) => SCOPE_NUMBERS[name] === number);
    if (scope === undefined) throw invalidField("scopes", "holds an unknown scope");
    return scope;
  });
}
