// An agent's row and the domain's Agent, both ways.

import type { Selectable } from "kysely";
import type { Agent, AgentStats } from "../../domain/agents/agent.ts";
import type { AgentTable, StoredStats } from "./schema.ts";

export type AgentRow = Selectable<AgentTable>;

export function toAgent(row: AgentRow): Agent {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    os: row.os,
    arch: row.arch,
    shell: row.shell,
    distro: row.distro,
    tags: row.tags,
    status: row.status,
    mfaLocked: row.mfa_locked,
    recordSessions: row.record_sessions,
    epoch: row.epoch,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
    ...(row.mfa_locked_at !== null && { mfaLockedAt: row.mfa_locked_at }),
    ...(row.connected_at !== null && { connectedAt: row.connected_at }),
    ...(row.last_seen_at !== null && { lastSeenAt: row.last_seen_at }),
    ...(row.system_info !== null && { systemInfo: row.system_info }),
    ...(row.stats !== null && { stats: toStats(row.stats) }),
    ...(row.instance_id !== null && { instanceId: row.instance_id }),
  };
}

/** NaN and the infinities are null in JSON: not measured. */
function toStats(stored: StoredStats): AgentStats {
  return {
    measuredAt: new Date(stored.measuredAt),
    cpuPercent: stored.cpuPercent ?? undefined,
    memoryUsedBytes: stored.memoryUsedBytes ?? undefined,
    memoryTotalBytes: stored.memoryTotalBytes ?? undefined,
    diskUsedBytes: stored.diskUsedBytes ?? undefined,
    diskTotalBytes: stored.diskTotalBytes ?? undefined,
  };
}
