// May a guest open the terminal that is shared, now? The lock, the way there, one of the places that the share has.

import type { ConnectionId } from "../../../protocol/ids.ts";
import type { Peer } from "../access/attempts.ts";
import type { GuestIdentity } from "../access/rules.ts";
import type { RecordLimits } from "../access/rate-limits.ts";
import type { Agent } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import type { GuestSlot, TerminalSlots } from "../plans/plan.ts";
import { type AdmittedViewer, reachAgent, type ReachAgentDeps } from "../terminals/admit-viewer.ts";
import { shareRecord } from "./share-record.ts";
import type { ShareStore } from "./share-store.ts";

export interface AdmitGuestViewerDeps extends ReachAgentDeps {
  shares: Pick<ShareStore, "noteOpened">;
  slots: Pick<TerminalSlots, "acquire" | "release">;
  /** How many openings of one share are written down: who has its link could fill the log. The others are only counted. */
  openings: RecordLimits;
}

/** Throws MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, SHARE_FULL, SHARE_ENDED, BACKEND_UNAVAILABLE. */
export async function admitGuestViewer(
  deps: AdmitGuestViewerDeps,
  input: { guest: GuestIdentity; agent: Agent; connectionId: ConnectionId; peer: Peer },
): Promise<AdmittedViewer> {
  const { guest, agent, connectionId, peer } = input;
  const grantedUntil = await reachAgent(deps, { identity: guest, agent });
  return { grantedUntil, slot: await takePlace(deps, { guest, agent, connectionId, peer: peer.address }) };
}

/** Whoever gets no place is not counted, and who is not counted gets no place. */
async function takePlace(
  deps: AdmitGuestViewerDeps,
  input: { guest: GuestIdentity; agent: Agent; connectionId: ConnectionId; peer: string },
): Promise<GuestSlot> {
  const { guest, agent, connectionId, peer } = input;
  const { share } = guest;
  const slot = { shareId: share.id, connectionId };
  const answer = await deps.slots.acquire(slot, share.maxViewers);
  if (!answer.granted) {
    const detail = { reason: "SHARE_FULL", limit: String(share.maxViewers), used: String(answer.used), peer };
    deps.refusals.note({ identity: guest, detail });
    throw new DomainError("SHARE_FULL", { quota: { limit: share.maxViewers, used: answer.used } });
  }
  try {
    const at = new Date(deps.clock.now());
    const by = { ownerId: agent.userId, actor: `share:${share.id}`, at };
    const isWritten = deps.openings.tryTake(share.id);
    const record = isWritten ? shareRecord({ type: "share.opened", share, ...by, detail: { peer } }) : undefined;
    if (!(await deps.shares.noteOpened(share.id, at, record))) throw new DomainError("SHARE_ENDED", { share });
    return slot;
  } catch (error) {
    await deps.slots.release(slot);
    throw error;
  }
}
