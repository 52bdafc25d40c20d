// One credential of every kind that can come to a door, of one user; and an admin's.
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { ControlPlane } from "./control-plane.ts";
import { anUnknownToken } from "./identities.ts";
import { addShare, audit } from "./sql-rows.ts";

export interface Credentials {
  none: undefined;
  unknown: string;
  garbage: string;
  expired: string;
  revoked: string;
  forged: string;
  mfaPending: string;
  ticket: string;
  agent: string;
  /** Of a share, which lets type. */
  guest: string;
  /** Of one that was revoked. */
  endedGuest: string;
  read: string;
  write: string;
  admin: string;
}

export async function everyCredential(plane: ControlPlane, user: User, agentId: AgentId): Promise<Credentials> {
  const admin = await plane.addUser({ admin: true });
  const iat = Math.floor(Date.now() / 1000);
  const jwt = { user_id: user.id, iat, exp: iat + 60 };
  const revoked = await plane.addToken(user);
  const stored = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(revoked));
  if (stored === undefined) throw new Error("the token is not stored");
  const record = { at: new Date(), type: "token.revoked", subject: "", actor: "system", detail: {} };
  await plane.stores.tokens.revoke(stored.id, new Date(), record);
  const of = { userId: user.id, agentId };
  const ended = await addShare(plane.stores, of, { access: "type" });
  await plane.stores.shares.revoke(ended.share.id, new Date(), audit("share.revoked"));
  const ticket = { agent_id: agentId, session_id: "main", new_session: false, read_only: false };
  return {
    none: undefined,
    unknown: anUnknownToken(),
    garbage: "garbage",
    expired: await plane.addToken(user, { expiresAt: new Date(Date.now() - 1000) }),
    revoked,
    forged: withAnotherSignature(await plane.deps.jwt.sign(jwt)),
    mfaPending: await plane.deps.jwt.sign({ ...jwt, mfa_pending: true }),
    ticket: await plane.deps.jwt.sign({ ...jwt, ticket }),
    agent: await plane.addToken(user, { scopes: ["agent"], agentId }),
    guest: (await addShare(plane.stores, of, { access: "type" })).secret,
    endedGuest: ended.secret,
    read: await plane.addToken(user, { scopes: ["read"] }),
    write: await plane.addToken(user, { scopes: ["write"] }),
    admin: await plane.addToken(admin, { scopes: ["admin"] }),
  };
}

/** Its first character is another one: the last carries bits that count for nothing. */
function withAnotherSignature(jwt: string): string {
  const at = jwt.lastIndexOf(".") + 1;
  return `${jwt.slice(0, at)}${jwt[at] === "A" ? "B" : "A"}${jwt.slice(at + 1)}`;
}
