// Makes, lists and ends shares.

import { randomUUID } from "node:crypto";
import {
  CreateShareRequest,
  type Share,
  ShareAccess,
  ShareServiceService,
} from "../gen/rexec/share/v1/share_service.ts";
import { ago, shortDuration } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import { isLoopback } from "./addresses.ts";
import { AgentNames } from "./agent-names.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { findAgentId } from "./find-agent.ts";
import { type Column, renderListing } from "./output.ts";

interface ShareOptions {
  agent: string;
  session: string;
  watch?: boolean;
  type?: boolean;
  /** Milliseconds. */
  expires?: number;
  maxViewers?: number;
}

const PAGE_SIZE = 1000;

/** The link goes to standard output, what it gives to standard error. */
export async function shareSession(options: ShareOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { agent, session, watch, type, expires, maxViewers = 0 } = options;
  if (watch && type) throw new CliError("USAGE", { message: "--watch and --type exclude each other" });
  const { share, secret, link, server } = await withApi(flags, context, async (api, { servers: [first] }) => {
    const request = CreateShareRequest.fromPartial({
      agentId: await findAgentId(api, agent),
      sessionId: session,
      access: type ? ShareAccess.SHARE_ACCESS_TYPE : ShareAccess.SHARE_ACCESS_WATCH,
      lifetime: expires === undefined ? undefined : { seconds: Math.round(expires / 1000), nanos: 0 },
      maxViewers,
      requestId: randomUUID(),
    });
    return { ...(await api.call(ShareServiceService.createShare, request)), server: first };
  });
  if (share === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no share" });
  const whole = link || `${server}/#share=${secret}`;
  if (formatOf(flags).startsWith("json")) {
    context.print(`${JSON.stringify({ ...shareJson(share), link: whole })}\n`);
    return;
  }
  context.print(`${whole}\n`);
  const may = type ? "type into" : "watch";
  const of = `${harmless(share.sessionId)} on ${harmless(agent)}`;
  const left = shortDuration((share.expiresAt?.getTime() ?? 0) - Date.now());
  context.tell(`whoever has this link can ${may} ${of}, for ${left}, ${share.maxViewers} at once\n`);
  if (link === "" && isLoopback(new URL(server).hostname)) {
    context.tell(
      "it leads to this machine: others reach it by the server's own address, as REXEC_PUBLIC_URL says it\n",
    );
  }
  context.tell(`end it with: rexec shares revoke ${share.id}\n`);
}

export async function printShares(
  { filter }: { filter: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const names = new AgentNames();
  const rows = await withApi(flags, context, async (api) => {
    const shares: Share[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: PAGE_SIZE, pageToken, filter, orderBy: "created_at" };
      const page = await api.call(ShareServiceService.listShares, request);
      shares.push(...page.shares);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    await names.learn(
      api,
      shares.map(({ agentId }) => agentId),
    );
    return shares;
  });
  const columns = shareColumns(new Date(), names);
  const json = (share: Share) => ({ ...shareJson(share), agent_name: names.nameOf(share.agentId) });
  context.print(renderListing({ rows, columns, json, name: (share) => share.id }, formatOf(flags)));
}

export async function revokeShare(shareId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, (api) => api.call(ShareServiceService.revokeShare, { shareId }));
  context.tell(`revoked ${shareId}\n`);
}

function shareColumns(now: Date, names: AgentNames): Column<Share>[] {
  return [
    { header: "ID", value: (share) => share.id },
    { header: "AGENT", value: (share) => names.nameOf(share.agentId) },
    { header: "SESSION", value: (share) => share.sessionId },
    { header: "ACCESS", value: accessName },
    { header: "STATE", value: stateOf },
    { header: "VIEWERS", value: (share) => `${share.viewers}/${share.maxViewers}` },
    { header: "OPENED", value: (share) => String(share.opened) },
    { header: "LAST", value: (share) => ago(share.lastOpenedAt, now) },
    { header: "EXPIRES", value: (share) => share.expiresAt?.toISOString() ?? "", isWide: true },
    { header: "CREATED", value: (share) => ago(share.createdAt, now), isWide: true },
    { header: "USER", value: (share) => share.userId, isWide: true },
    { header: "AGENT ID", value: (share) => share.agentId, isWide: true },
  ];
}

/** By the server's clock. */
function stateOf({ live, revoked }: Share): "live" | "revoked" | "expired" {
  if (live) return "live";
  return revoked ? "revoked" : "expired";
}

function accessName({ access }: Share): "watch" | "type" {
  return access === ShareAccess.SHARE_ACCESS_TYPE ? "type" : "watch";
}

function shareJson(share: Share): Record<string, unknown> {
  return {
    id: share.id,
    agent_id: share.agentId,
    session_id: share.sessionId,
    user_id: share.userId,
    access: accessName(share),
    state: stateOf(share),
    max_viewers: share.maxViewers,
    viewers: share.viewers,
    opened: share.opened,
    last_opened_at: share.lastOpenedAt,
    created_at: share.createdAt,
    expires_at: share.expiresAt,
  };
}
