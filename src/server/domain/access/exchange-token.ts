// Makes a JWT of 15 minutes from an API token, with the same rights and the same end; for a read-only caller one that
// changes nothing.

import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import { requireScope, type UserIdentity } from "./rules.ts";
import type { JwtCodec } from "./token.ts";

const JWT_LIFETIME_S = 15 * 60;

/** Throws NOT_AUTHORIZED for a caller without an API token: a JWT must not renew itself for ever. */
export async function exchangeToken(
  deps: { jwt: Pick<JwtCodec, "sign">; clock: Clock },
  input: { caller: UserIdentity },
): Promise<{ jwt: string; expiresAt: Date }> {
  const { user, scope, credential } = requireScope(input.caller, "read");
  if (credential.type !== "api_token") throw new DomainError("NOT_AUTHORIZED");
  const nowS = Math.floor(deps.clock.now() / 1000);
  const tokenEndsS = Math.floor((credential.expiresAtMs ?? Number.POSITIVE_INFINITY) / 1000);
  const exp = Math.min(nowS + JWT_LIFETIME_S, tokenEndsS);
  const jwt = await deps.jwt.sign({
    user_id: user.id,
    email: user.email,
    username: user.username,
    tier: user.plan,
    subscription_active: user.subscriptionActive,
    iat: nowS,
    exp,
    sid: credential.sid,
    scope,
    token_hash: credential.tokenHash,
    read_only: credential.readOnly,
  });
  return { jwt, expiresAt: new Date(exp * 1000) };
}
