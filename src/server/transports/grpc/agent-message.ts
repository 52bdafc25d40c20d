// An agent of the domain as a message of the API.

import { type Agent as AgentMessage, AgentStatus as StatusNumber } from "../../../gen/rexec/agent/v1/agent_service.ts";
import type { Agent, AgentStatus } from "../../domain/agents/agent.ts";

const STATUS_NUMBERS: Record<AgentStatus, StatusNumber> = {
  registered: StatusNumber.AGENT_STATUS_REGISTERED,
  online: StatusNumber.AGENT_STATUS_ONLINE,
  suspect: StatusNumber.AGENT_STATUS_SUSPECT,
  offline: StatusNumber.AGENT_STATUS_OFFLINE,
};

export function agentMessage(agent: Agent): AgentMessage {
  return {
    id: agent.id,
    name: agent.name,
    description: agent.description,
    os: agent.os,
    arch: agent.arch,
    shell: agent.shell,
    distro: agent.distro,
    tags: [...agent.tags],
    status: STATUS_NUMBERS[agent.status],
    userId: agent.userId,
    createdAt: agent.createdAt,
    updatedAt: agent.updatedAt,
    connectedAt: agent.connectedAt,
    lastSeenAt: agent.lastSeenAt,
    mfaLocked: agent.mfaLocked,
    systemInfo: agent.systemInfo,
    stats: agent.stats,
    instanceId: agent.instanceId ?? "",
    version: agent.version,
    recordSessions: agent.recordSessions,
  };
}
