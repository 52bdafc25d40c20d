// Lists and ends the shells that agents run.

import {
  type Session,
  SessionKind,
  SessionServiceService,
  type WatchSessionsResponse_Removed,
} from "../gen/rexec/session/v1/session_service.ts";
import { parseSessionId } from "../protocol/ids.ts";
import { ago } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import { AgentNames } from "./agent-names.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { confirm } from "./confirm.ts";
import { findAgentId } from "./find-agent.ts";
import { listAllSessions } from "./list-sessions.ts";
import { type Column, renderListing } from "./output.ts";
import { orderOf, watchListing } from "./watch/watch-listing.ts";

interface ListFlags {
  filter?: string;
  order: string;
  watch?: boolean;
}

export async function printSessions(
  { filter = "", order, watch }: ListFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const names = new AgentNames();
  const json = (session: Session) => sessionJson(session, names);
  if (watch) {
    return watchListing<Session, WatchSessionsResponse_Removed>(
      {
        open: (api, resumeToken, signal, onOpen) =>
          api.watch(SessionServiceService.watchSessions, { filter, resumeToken }, signal, onOpen),
        keyOf: ({ agentId, id }) => `${agentId}/${id}`,
        removedKey: ({ agentId, sessionId }) => `${agentId}/${sessionId}`,
        compare: orderOf(order, {
          started_at: (session) => session.startedAt?.getTime() ?? 0,
          agent_id: (session) => session.agentId,
        }),
        columns: (now) => sessionColumns(now, names),
        json,
        prepare: (session, api) => names.learn(api, [session.agentId]),
      },
      flags,
      context,
    );
  }
  const rows = await withApi(flags, context, async (api) => {
    const sessions = await listAllSessions(api, filter, order);
    await names.learn(
      api,
      sessions.map(({ agentId }) => agentId),
    );
    return sessions;
  });
  const columns = sessionColumns(new Date(), names);
  context.print(renderListing({ rows, columns, json, name: (session) => session.id }, formatOf(flags)));
  if (rows.length === 0) context.tell("no sessions; `rexec attach AGENT` opens one\n");
}

export async function killSession(
  { agent, session }: { agent: string; session: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const sessionId = parseSessionId(session);
  if (sessionId === undefined)
    throw new CliError("USAGE", { message: `no session id: ${session}`, hint: "main, or split-…" });
  await withApi(flags, context, async (api) => {
    const agentId = await findAgentId(api, agent);
    await confirm(`End ${sessionId} on ${harmless(agent)}? What runs in it ends, too.`, flags, context);
    await api.call(SessionServiceService.terminateSession, { agentId, sessionId });
  });
  context.tell(`ended ${sessionId} on ${harmless(agent)}\n`);
}

function sessionColumns(now: Date, names: AgentNames): Column<Session>[] {
  return [
    { header: "AGENT", value: (session) => names.nameOf(session.agentId) },
    { header: "SESSION", value: (session) => session.id },
    { header: "VIEWERS", value: (session) => String(session.viewers.length) },
    { header: "AGE", value: (session) => ago(session.startedAt, now) },
    { header: "IDLE", value: (session) => ago(lastActivity(session), now) },
    { header: "RECORDED", value: (session) => (session.recorded ? "yes" : "no"), isWide: true },
    { header: "SIZE", value: (session) => `${session.cols}x${session.rows}`, isWide: true },
    { header: "OUT", value: (session) => String(session.outputOffset), isWide: true },
    { header: "IN", value: (session) => String(session.inputBytes), isWide: true },
    { header: "OWNER", value: (session) => session.userId, isWide: true },
    { header: "AGENT ID", value: (session) => session.agentId, isWide: true },
  ];
}

/** Undefined where nothing has been typed or printed yet. */
function lastActivity({ lastInputAt, lastOutputAt }: Session): Date | undefined {
  const times = [lastInputAt, lastOutputAt].flatMap((time) => time?.getTime() ?? []);
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

function sessionJson(session: Session, names: AgentNames): Record<string, unknown> {
  return {
    id: session.id,
    agent_id: session.agentId,
    agent_name: names.nameOf(session.agentId),
    user_id: session.userId,
    kind: session.kind === SessionKind.SESSION_KIND_MAIN ? "main" : "split",
    started_at: session.startedAt,
    last_input_at: session.lastInputAt,
    last_output_at: session.lastOutputAt,
    recorded: session.recorded,
    output_bytes: session.outputOffset,
    input_bytes: session.inputBytes,
    cols: session.cols,
    rows: session.rows,
    viewers: session.viewers.map((viewer) => ({
      user_id: viewer.userId,
      share_id: viewer.shareId || undefined,
      joined_at: viewer.joinedAt,
      read_only: viewer.readOnly,
      protocol: viewer.protocol,
      instance_id: viewer.instanceId,
    })),
  };
}
