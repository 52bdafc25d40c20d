// Agents and what they report, as rows.

import { type Agent, AgentStatus } from "../../gen/rexec/agent/v1/agent_service.ts";
import type { AgentStats, SystemInfo } from "../../gen/rexec/agent/v1/machine.ts";
import { drawable, drawableId } from "./drawable.ts";
import type { AgentRow, AgentState, Load, Machine } from "./rows.ts";

/** Five minutes of reports every 5 s: what the plots of the details show. */
const HISTORY = 60;

const STATES = new Map<AgentStatus, AgentState>([
  [AgentStatus.AGENT_STATUS_REGISTERED, "registered"],
  [AgentStatus.AGENT_STATUS_ONLINE, "online"],
  [AgentStatus.AGENT_STATUS_SUSPECT, "suspect"],
  [AgentStatus.AGENT_STATUS_OFFLINE, "offline"],
]);

/** `before`: the row as it was, whose history goes on. */
export function agentRow(agent: Agent, before: AgentRow | undefined): AgentRow {
  const { systemInfo, stats } = agent;
  const distro = drawable(agent.distro || systemInfo?.distro || "");
  const os = drawable(agent.os || systemInfo?.os || "");
  const arch = drawable(agent.arch || systemInfo?.arch || "");
  return {
    id: drawableId(agent.id),
    name: drawable(agent.name),
    rawName: agent.name,
    description: drawable(agent.description),
    state: STATES.get(agent.status) ?? "offline",
    userId: drawableId(agent.userId),
    platform: [distro || os, arch].filter((part) => part !== "").join("/"),
    distro: distro || os,
    arch,
    shell: drawable(agent.shell),
    version: drawable(agent.version),
    tags: agent.tags.map(drawable),
    isLocked: agent.mfaLocked,
    instanceId: drawableId(agent.instanceId),
    createdAtMs: agent.createdAt?.getTime() ?? 0,
    connectedAtMs: agent.connectedAt?.getTime(),
    seenAtMs: agent.lastSeenAt?.getTime(),
    machine: systemInfo === undefined ? before?.machine : machineOf(systemInfo),
    load: stats === undefined ? before?.load : loadAfter(before?.load, stats),
  };
}

function machineOf(info: SystemInfo): Machine {
  return {
    hostname: drawable(info.hostname),
    cpuCount: info.cpuCount,
    memoryBytes: info.memoryTotalBytes,
    diskBytes: info.diskTotalBytes,
    region: drawable(info.region),
    virtualization: drawable(info.virtualization),
    isRoot: info.isRoot,
    hasSudo: info.hasSudo,
  };
}

/** A report that is known already, or older than the latest, changes nothing: two watches tell of the same ones. */
export function loadAfter(before: Load | undefined, stats: AgentStats): Load {
  const measuredAtMs = stats.measuredAt?.getTime() ?? 0;
  if (before !== undefined && measuredAtMs <= before.measuredAtMs) return before;
  const cpu = percent(stats.cpuPercent, 100);
  const memory = percent(stats.memoryUsedBytes, stats.memoryTotalBytes);
  const disk = percent(stats.diskUsedBytes, stats.diskTotalBytes);
  return {
    measuredAtMs,
    cpu,
    memory,
    disk,
    cpuHistory: appended(before?.cpuHistory, cpu),
    memoryHistory: appended(before?.memoryHistory, memory),
    diskHistory: appended(before?.diskHistory, disk),
  };
}

/** 0 to 100; NaN for what was not measured, and for what can't be: agents say what they like. */
function percent(part: number | undefined, whole: number | undefined): number {
  if (part === undefined || whole === undefined || !(whole > 0) || !(part >= 0)) return Number.NaN;
  return Math.min(100, (part / whole) * 100);
}

/** The last HISTORY figures. */
export function appended(history: readonly number[] | undefined, figure: number): readonly number[] {
  return [...(history ?? []).slice(-(HISTORY - 1)), figure];
}
