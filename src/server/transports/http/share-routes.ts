// Shares for the page: who is logged in makes, lists and ends those of an agent; a guest hears what its secret opens.

import { z } from "zod";
import { reachableAgent, type ReachableAgentDeps } from "../../domain/agents/reachable-agent.ts";
import { checkShare, type CheckShareDeps, sharedAgent } from "../../domain/shares/check-share.ts";
import { createShare, type CreateShareDeps } from "../../domain/shares/create-share.ts";
import {
  describeShares,
  type DescribeSharesDeps,
  listShares,
  type SeenShare,
} from "../../domain/shares/list-shares.ts";
import { revokeShare, type RevokeShareDeps } from "../../domain/shares/revoke-share.ts";
import type { ShareStore } from "../../domain/shares/share-store.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { MAX_PAGE_SIZE } from "../../domain/page.ts";
import { parseUuid, type ShareId } from "../../../protocol/ids.ts";
import { shareLink } from "../shared/share-link.ts";
import { agentIdOf, parseBody } from "./agent-json.ts";
import type { CallerRoute, GuestRoute } from "./route.ts";

export type ShareRouteDeps = ReachableAgentDeps &
  CheckShareDeps &
  CreateShareDeps &
  DescribeSharesDeps &
  RevokeShareDeps & {
    shares: ShareStore;
    publicUrl: string | undefined;
  };

const NEW_SHARE = z.object({
  session_id: z.string(),
  access: z.enum(["watch", "type"]),
  /** Seconds. */
  lifetime: z.number().optional(),
  max_viewers: z.int().default(0),
});

export const SHARE_ROUTES: readonly (CallerRoute<ShareRouteDeps> | GuestRoute<ShareRouteDeps>)[] = [
  {
    method: "GET",
    path: "/api/share",
    access: "guest",
    async serve(deps, guest) {
      const { share, user } = guest;
      const agent = await sharedAgent(deps, guest);
      const body = {
        agent_id: agent.id,
        agent_name: agent.name,
        shared_by: user.username,
        session_id: share.sessionId,
        access: share.access,
        expires_at: share.endsAt,
      };
      return { status: 200, body };
    },
  },
  {
    method: "GET",
    path: "/api/share/terminal",
    access: "guest",
    // It tells what a handshake does, and is to be had as often.
    action: "terminal",
    /** Why its WebSocket was refused, which browsers don't tell. */
    async serve(deps, guest) {
      await checkShare(deps, guest);
      return { status: 200, body: {} };
    },
  },
  {
    method: "POST",
    path: "/api/agents/:id/shares",
    access: "write",
    async serve(deps, { caller, params, body, signal }) {
      const asked = parseBody(NEW_SHARE, await body());
      const { share, secret } = await createShare(deps, {
        caller,
        agentId: agentIdOf(params),
        sessionId: asked.session_id,
        access: asked.access,
        lifetimeMs: asked.lifetime === undefined ? undefined : asked.lifetime * 1000,
        maxViewers: asked.max_viewers,
        requestId: "",
        signal,
      });
      const [seen] = await describeShares(deps, [share]);
      const link = shareLink(deps.publicUrl, secret);
      return { status: 201, body: { share: seen && shareJson(seen), secret, link } };
    },
  },
  {
    method: "GET",
    path: "/api/agents/:id/shares",
    access: "read",
    /** The caller's own that are live, newest first. */
    async serve(deps, { caller, params }) {
      const agent = await reachableAgent(deps, { caller, agentId: agentIdOf(params) });
      const at = new Date(deps.clock.now());
      const query = {
        filter: { userId: caller.user.id, agentId: agent.id, live: { is: true, at } },
        order: { by: "created_at", descending: true },
        limit: MAX_PAGE_SIZE,
      } as const;
      return { status: 200, body: (await listShares(deps, { caller, query })).rows.map(shareJson) };
    },
  },
  {
    method: "DELETE",
    path: "/api/shares/:share",
    access: "write",
    async serve(deps, { caller, params, signal }) {
      const shareId = parseUuid<ShareId>(params["share"] ?? "");
      if (shareId === undefined) throw new DomainError("SHARE_NOT_FOUND");
      await revokeShare(deps, { caller, shareId, signal });
      return { status: 200, body: { message: "share revoked" } };
    },
  },
];

function shareJson(share: SeenShare) {
  return {
    id: share.id,
    agent_id: share.agentId,
    session_id: share.sessionId,
    access: share.access,
    max_viewers: share.maxViewers,
    viewers: share.viewers,
    opened: share.opened,
    created_at: share.createdAt,
    expires_at: share.endsAt,
  };
}
