// Finds a token for somebody. One that is another's and one that never was look the same.

import { parseUuid, type TokenId } from "../../../protocol/ids.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { Refusals } from "./refusals.ts";
import { mayReach, type UserIdentity } from "./rules.ts";
import type { Token, TokenStore } from "./token.ts";

export interface ReachableTokenDeps {
  tokens: Pick<TokenStore, "get">;
  refusals: Pick<Refusals, "note">;
}

/** Throws INVALID_ARGUMENT for what is no id at all, TOKEN_NOT_FOUND for a token that the caller may not see. */
export async function reachableToken(
  deps: ReachableTokenDeps,
  { caller, tokenId, field }: { caller: UserIdentity; tokenId: string; field: string },
): Promise<Token> {
  const id = parseUuid<TokenId>(tokenId);
  if (id === undefined) throw invalidField(field, "must be a UUID");
  const token = await deps.tokens.get(id);
  if (token === undefined) throw new DomainError("TOKEN_NOT_FOUND");
  if (mayReach(caller, token)) return token;
  deps.refusals.note({
    identity: caller,
    subject: `token:${id}`,
    userId: token.userId,
    detail: { reason: "TOKEN_NOT_FOUND" },
  });
  throw new DomainError("TOKEN_NOT_FOUND");
}
