// Prints the machines that dial out: all of them, or one.

import {
  type Agent,
  AgentServiceService,
  AgentStatus,
  type WatchAgentsResponse_Removed,
} from "../gen/rexec/agent/v1/agent_service.ts";
import { ago } from "../text/ago.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { findAgentId } from "./find-agent.ts";
import { listAllAgents } from "./list-agents.ts";
import { type Column, renderListing, renderRecord } from "./output.ts";
import { orderOf, watchListing } from "./watch/watch-listing.ts";

interface ListFlags {
  filter?: string;
  order: string;
  watch?: boolean;
}

export async function printAgents(
  { filter = "", order, watch }: ListFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  if (watch) return watchAgents({ filter, order }, flags, context);
  const rows = await withApi(flags, context, (api) => listAllAgents(api, filter, order));
  const columns = agentColumns(new Date());
  context.print(renderListing({ rows, columns, json: agentJson, name: (agent) => agent.name }, formatOf(flags)));
  if (rows.length === 0) context.tell("no agents; `rexec agent enroll` on a machine adds it\n");
}

function watchAgents(
  { filter, order }: { filter: string; order: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  return watchListing<Agent, WatchAgentsResponse_Removed>(
    {
      open: (api, resumeToken, signal, onOpen) =>
        api.watch(AgentServiceService.watchAgents, { filter, resumeToken }, signal, onOpen),
      keyOf: (agent) => agent.id,
      removedKey: ({ agentId }) => agentId,
      compare: orderOf(order, {
        name: (agent) => agent.name,
        created_at: (agent) => agent.createdAt?.getTime() ?? 0,
        last_seen_at: (agent) => agent.lastSeenAt?.getTime() ?? 0,
      }),
      columns: agentColumns,
      json: agentJson,
    },
    flags,
    context,
  );
}

export async function printAgent(nameOrId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { agent } = await withApi(flags, context, async (api) =>
    api.call(AgentServiceService.getAgent, { agentId: await findAgentId(api, nameOrId) }),
  );
  showAgent(agent, flags, context);
}

export function showAgent(agent: Agent | undefined, flags: GlobalFlags, context: CommandContext): void {
  if (agent === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no agent" });
  const columns = [...agentColumns(new Date()), ...DETAILS];
  context.print(renderRecord({ row: agent, columns, json: agentJson, name: (row) => row.name }, formatOf(flags)));
}

const STATUS_NAMES = new Map<AgentStatus, string>([
  [AgentStatus.AGENT_STATUS_REGISTERED, "registered"],
  [AgentStatus.AGENT_STATUS_ONLINE, "online"],
  [AgentStatus.AGENT_STATUS_SUSPECT, "suspect"],
  [AgentStatus.AGENT_STATUS_OFFLINE, "offline"],
]);

function statusName(status: AgentStatus): string {
  return STATUS_NAMES.get(status) ?? "unknown";
}

function agentColumns(now: Date): Column<Agent>[] {
  return [
    { header: "NAME", value: (agent) => agent.name },
    { header: "STATUS", value: (agent) => statusName(agent.status) + (agent.mfaLocked ? " (locked)" : "") },
    { header: "PLATFORM", value: platform },
    { header: "SEEN", value: (agent) => ago(agent.lastSeenAt, now) },
    { header: "ID", value: (agent) => agent.id },
    { header: "TAGS", value: (agent) => agent.tags.join(","), isWide: true },
    { header: "CPU", value: (agent) => percent(agent.stats?.cpuPercent), isWide: true },
    { header: "HOST", value: (agent) => agent.systemInfo?.hostname ?? "", isWide: true },
    { header: "VERSION", value: (agent) => agent.version, isWide: true },
    { header: "RECORDED", value: (agent) => (agent.recordSessions ? "all" : "asked"), isWide: true },
    { header: "CREATED", value: (agent) => ago(agent.createdAt, now), isWide: true },
    { header: "INSTANCE", value: (agent) => agent.instanceId, isWide: true },
  ];
}

/** Of one agent alone. */
const DETAILS: readonly Column<Agent>[] = [
  { header: "DESCRIPTION", value: (agent) => agent.description },
  { header: "SHELL", value: (agent) => agent.shell || "the login shell" },
  { header: "OWNER", value: (agent) => agent.userId },
];

function platform(agent: Agent): string {
  return [agent.distro || agent.os, agent.arch].filter((part) => part !== "").join("/");
}

/** What could not be measured is not 0. */
function percent(value: number | undefined): string {
  return value === undefined ? "n/a" : `${Math.round(value)}%`;
}

/** What programs read: the proto's fields by their names in the proto, statuses as plain words, times in ISO 8601. */
function agentJson(agent: Agent): Record<string, unknown> {
  return {
    id: agent.id,
    name: agent.name,
    description: agent.description,
    status: statusName(agent.status),
    os: agent.os,
    arch: agent.arch,
    distro: agent.distro,
    shell: agent.shell,
    tags: agent.tags,
    user_id: agent.userId,
    mfa_locked: agent.mfaLocked,
    version: agent.version,
    record_sessions: agent.recordSessions,
    instance_id: agent.instanceId,
    created_at: agent.createdAt,
    connected_at: agent.connectedAt,
    last_seen_at: agent.lastSeenAt,
    hostname: agent.systemInfo?.hostname,
    cpu_percent: agent.stats?.cpuPercent,
  };
}
