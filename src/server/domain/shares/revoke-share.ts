// Ends a share, at once on this instance and on open sockets too.

import { parseUuid, type ShareId } from "../../../protocol/ids.ts";
import type { Refusals } from "../access/refusals.ts";
import { mayReach, requireScope, type UserIdentity } from "../access/rules.ts";
import type { AgentStore } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { Share } from "./share.ts";
import { shareRecord } from "./share-record.ts";
import type { ShareStore } from "./share-store.ts";

export interface RevokeShareDeps {
  shares: Pick<ShareStore, "get" | "revoke">;
  agents: Pick<AgentStore, "get">;
  refusals: Pick<Refusals, "note">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Throws INVALID_ARGUMENT, SHARE_NOT_FOUND (also for another user's). Revoking twice changes nothing. */
export async function revokeShare(
  deps: RevokeShareDeps,
  input: { caller: UserIdentity; shareId: string; signal?: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const share = await reachableShare(deps, { caller, shareId: input.shareId });
  input.signal?.throwIfAborted();
  const agent = await deps.agents.get(share.agentId);
  // It has gone with its agent since.
  if (agent === undefined) return;
  const at = new Date(deps.clock.now());
  const by = { ownerId: agent.userId, actor: `user:${caller.user.id}`, at };
  const record = shareRecord({ type: "share.revoked", share, ...by });
  if (!(await deps.shares.revoke(share.id, at, record))) return;
  deps.events.publish({ type: "share.revoked", shareId: share.id, userId: share.userId });
}

/** One that is another's and one that never was look the same. */
async function reachableShare(
  deps: RevokeShareDeps,
  { caller, shareId }: { caller: UserIdentity; shareId: string },
): Promise<Share> {
  const id = parseUuid<ShareId>(shareId);
  if (id === undefined) throw invalidField("share_id", "must be a UUID");
  const share = await deps.shares.get(id);
  if (share === undefined) throw new DomainError("SHARE_NOT_FOUND");
  if (mayReach(caller, share)) return share;
  const detail = { reason: "SHARE_NOT_FOUND" };
  deps.refusals.note({ identity: caller, subject: `share:${id}`, userId: share.userId, detail });
  throw new DomainError("SHARE_NOT_FOUND");
}
