// Takes out of the token cache what an event makes untrue. To be subscribed before all others: who asks again because of
// the same event must find nothing old.

import type { DomainEvent } from "../events/events.ts";
import type { TokenCache } from "./token.ts";

export function forgetTokens(cache: Pick<TokenCache, "forget" | "forgetUser" | "forgetAll">, event: DomainEvent): void {
  switch (event.type) {
    case "token.revoked":
    case "token.shortened":
      return cache.forget(event.tokenHash);
    case "user.updated":
    case "user.deleted":
    case "mfa.enrolled":
    case "mfa.disabled":
      return cache.forgetUser(event.userId);
    case "access.uncertain":
      return cache.forgetAll();
    default:
      return;
  }
}
