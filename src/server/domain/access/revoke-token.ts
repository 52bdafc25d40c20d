// Revokes an API token, at once on this instance and on open sockets too.

import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import { reachableToken, type ReachableTokenDeps } from "./reachable-token.ts";
import { requireScope, type UserIdentity } from "./rules.ts";
import type { TokenStore } from "./token.ts";

export interface RevokeTokenDeps extends ReachableTokenDeps {
  tokens: Pick<TokenStore, "get" | "revoke">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, TOKEN_NOT_FOUND (also for another user's). Revoking twice changes nothing. */
export async function revokeToken(
  deps: RevokeTokenDeps,
  input: { caller: UserIdentity; tokenId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const token = await reachableToken(deps, { caller, tokenId: input.tokenId, field: "token_id" });
  input.signal?.throwIfAborted();
  const at = new Date(deps.clock.now());
  const revoked = await deps.tokens.revoke(token.id, at, {
    at,
    type: "token.revoked",
    subject: `token:${token.id}`,
    actor: `user:${caller.user.id}`,
    userId: token.userId,
    detail: { name: token.name },
  });
  if (revoked === undefined) return;
  deps.events.publish({ type: "token.revoked", tokenHash: revoked.hash, userId: token.userId });
}
