// ShareService: decodes, calls the domain, encodes.

import type { ShareServiceService } from "../../../gen/rexec/share/v1/share_service.ts";
import { createShare, type CreateShareDeps } from "../../domain/shares/create-share.ts";
import { describeShares, listShares } from "../../domain/shares/list-shares.ts";
import { revokeShare } from "../../domain/shares/revoke-share.ts";
import type { ShareStore } from "../../domain/shares/share-store.ts";
import type { TerminalSlots } from "../../domain/plans/plan.ts";
import { shareLink } from "../shared/share-link.ts";
import type { Handlers } from "./call-context.ts";
import { durationMs } from "./duration-ms.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { shareList } from "./share-filter.ts";
import { accessOf, shareMessage } from "./share-message.ts";

export interface ShareServiceDeps extends CreateShareDeps {
  shares: ShareStore;
  slots: Pick<TerminalSlots, "check" | "used">;
  /** By which people reach this server's page; undefined where nobody has said. */
  publicUrl: string | undefined;
  pageTokenKey: string;
}

export function shareService(deps: ShareServiceDeps): Handlers<typeof ShareServiceService> {
  return {
    async createShare({ caller, request, signal }) {
      const lifetimeMs = request.lifetime && durationMs(request.lifetime);
      const access = accessOf(request.access);
      const { share, secret } = await createShare(deps, { ...request, caller, access, lifetimeMs, signal });
      const [seen] = await describeShares(deps, [share]);
      return { share: seen && shareMessage(seen), secret, link: shareLink(deps.publicUrl, secret) };
    },
    async listShares({ caller, request }) {
      const list = shareList(deps.clock);
      const query = parseListRequest(list, request, deps.pageTokenKey);
      const page = await listShares(deps, { caller, query });
      return {
        shares: page.rows.map(shareMessage),
        nextPageToken: nextPageToken(list, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async revokeShare({ caller, request, signal }) {
      await revokeShare(deps, { caller, shareId: request.shareId, signal });
      return {};
    },
  };
}
