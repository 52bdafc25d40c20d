// The first admin and a token for it, for a server that has neither yet.

import type { TokenId, UserId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { User } from "./identity.ts";
import { issueToken } from "./issue-token.ts";
import type { Secrets, Token, TokenStore, UserStore } from "./token.ts";

export interface BootstrapAdminDeps {
  users: Pick<UserStore, "ensure">;
  tokens: Pick<TokenStore, "create">;
  secrets: Secrets;
  clock: Clock;
}

/** Every call makes a new token. Throws NOT_AUTHORIZED where the email is that of a user who is no admin. */
export async function ensureBootstrapAdmin(
  deps: BootstrapAdminDeps,
  { email, username = "admin" }: { email: string; username?: string },
): Promise<{ user: User; token: Token; secret: string }> {
  const id = deps.secrets.randomUuid() as UserId;
  const user = await deps.users.ensure({ id, email, username, plan: "enterprise", admin: true });
  // An existing account is never promoted from here: only an admin makes admins.
  if (!user.admin) throw new DomainError("NOT_AUTHORIZED");
  const { secret, hash, prefix } = issueToken(deps.secrets);
  const tokenId = deps.secrets.randomUuid() as TokenId;
  const { token } = await deps.tokens.create(
    { id: tokenId, userId: user.id, name: "bootstrap", hash, prefix, scopes: ["admin"] },
    {
      at: new Date(deps.clock.now()),
      type: "token.created",
      subject: `token:${tokenId}`,
      actor: "system",
      userId: user.id,
      detail: { name: "bootstrap", scopes: "admin" },
    },
  );
  return { user, token, secret };
}
