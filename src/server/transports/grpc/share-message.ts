// A share of the domain as a message of the API, and its access in both directions.

import { ShareAccess as AccessNumber, type Share as ShareMessage } from "../../../gen/rexec/share/v1/share_service.ts";
import { invalidField } from "../../domain/domain-error.ts";
import type { SeenShare } from "../../domain/shares/list-shares.ts";
import type { ShareAccess } from "../../domain/shares/share.ts";

const ACCESS_NUMBERS: Record<ShareAccess, AccessNumber> = {
  watch: AccessNumber.SHARE_ACCESS_WATCH,
  type: AccessNumber.SHARE_ACCESS_TYPE,
};

export function shareMessage(share: SeenShare): ShareMessage {
  return {
    id: share.id,
    userId: share.userId,
    agentId: share.agentId,
    sessionId: share.sessionId,
    access: ACCESS_NUMBERS[share.access],
    maxViewers: share.maxViewers,
    createdAt: share.createdAt,
    expiresAt: share.endsAt,
    revoked: share.isRevoked,
    live: share.isLive,
    opened: share.opened,
    lastOpenedAt: share.lastOpenedAt,
    viewers: share.viewers,
  };
}

/** Throws INVALID_ARGUMENT where nothing was said, or nothing that there is: what a guest may do is not guessed. */
export function accessOf(number: AccessNumber): ShareAccess {
  const access = (Object.keys(ACCESS_NUMBERS) as ShareAccess[]).find((name) => ACCESS_NUMBERS[name] === number);
  if (access === undefined) throw invalidField("access", "must be SHARE_ACCESS_WATCH or SHARE_ACCESS_TYPE");
  return access;
}
