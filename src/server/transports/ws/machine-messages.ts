// What agents report of their machines, from the wire into the domain: bounded, and free of control characters.

import type {
  AgentStats as AgentStatsMessage,
  SystemInfo as SystemInfoMessage,
} from "../../../gen/rexec/agent/v1/machine.ts";
import { harmlessText } from "../../../protocol/names.ts";
import type { AgentStats, SystemInfo } from "../../domain/agents/agent.ts";

export function toSystemInfo(message: SystemInfoMessage): SystemInfo {
  return {
    hostname: harmlessText(message.hostname),
    os: harmlessText(message.os),
    arch: harmlessText(message.arch),
    distro: harmlessText(message.distro),
    cpuCount: message.cpuCount,
    memoryTotalBytes: message.memoryTotalBytes,
    memoryAvailableBytes: message.memoryAvailableBytes,
    memoryFreeBytes: message.memoryFreeBytes,
    diskTotalBytes: message.diskTotalBytes,
    diskAvailableBytes: message.diskAvailableBytes,
    diskFreeBytes: message.diskFreeBytes,
    region: harmlessText(message.region),
    virtualization: harmlessText(message.virtualization),
    isRoot: message.isRoot,
    hasSudo: message.hasSudo,
  };
}

export function toStats(message: AgentStatsMessage): AgentStats {
  const { cpuPercent } = message;
  return {
    measuredAt: plausibleTime(message.measuredAt) ?? new Date(),
    cpuPercent: cpuPercent !== undefined && cpuPercent >= 0 && cpuPercent <= 100 ? cpuPercent : undefined,
    memoryUsedBytes: message.memoryUsedBytes,
    memoryTotalBytes: message.memoryTotalBytes,
    diskUsedBytes: message.diskUsedBytes,
    diskTotalBytes: message.diskTotalBytes,
  };
}

/** Beyond these years dates have another shape, or none at all, which not every reader of them knows. */
const LATEST_MS = Date.UTC(9999, 11, 31);

function plausibleTime(time: Date | undefined): Date | undefined {
  const ms = time?.getTime() ?? Number.NaN;
  return ms >= 0 && ms <= LATEST_MS ? time : undefined;
}
