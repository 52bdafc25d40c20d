// Lists API tokens without their secrets: an admin's credential sees everybody's, any other the caller's own.

import type { Page, PageQuery } from "../page.ts";
import { isAdmin, requireScope, type UserIdentity } from "./rules.ts";
import type { Token, TokenFilter, TokenOrder, TokenStore } from "./token.ts";

export async function listTokens(
  deps: { tokens: Pick<TokenStore, "list"> },
  input: { caller: UserIdentity; query: PageQuery<TokenFilter, TokenOrder> },
): Promise<Page<Token>> {
  const caller = requireScope(input.caller, "read");
  if (isAdmin(caller)) return deps.tokens.list(input.query);
  return deps.tokens.list({ ...input.query, filter: { ...input.query.filter, userId: caller.user.id } });
}
