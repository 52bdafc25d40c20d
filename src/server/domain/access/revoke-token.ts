// Revokes an API token, at once on this instance and on open sockets too.

import { parseUuid, type TokenId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { Refusals } from "./refusals.ts";
import { mayReach, requireScope, type UserIdentity } from "./rules.ts";
import type { TokenStore } from "./token.ts";

export interface RevokeTokenDeps {
  tokens: Pick<TokenStore, "get" | "revoke">;
  refusals: Pick<Refusals, "note">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, TOKEN_NOT_FOUND (also for another user's). Revoking twice changes nothing. */
export async function revokeToken(
  deps: RevokeTokenDeps,
  input: { caller: UserIdentity; tokenId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const id = parseUuid<TokenId>(input.tokenId);
  if (id === undefined) throw invalidField("token_id", "must be a UUID");
  const token = await deps.tokens.get(id);
  if (token === undefined) throw new DomainError("TOKEN_NOT_FOUND");
  if (!mayReach(caller, token)) {
    deps.refusals.note({
      identity: caller,
      subject: `token:${id}`,
      userId: token.userId,
      detail: { reason: "TOKEN_NOT_FOUND" },
    });
    throw new DomainError("TOKEN_NOT_FOUND");
  }
  input.signal?.throwIfAborted();
  const at = new Date(deps.clock.now());
  const revoked = await deps.tokens.revoke(id, at, {
    at,
    type: "token.revoked",
    subject: `token:${id}`,
    actor: `user:${caller.user.id}`,
    userId: token.userId,
    detail: { name: token.name },
  });
  if (revoked === undefined) return;
  deps.events.publish({ type: "token.revoked", tokenHash: revoked.hash, userId: token.userId });
}
