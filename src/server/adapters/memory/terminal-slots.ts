// Which agents each user has terminals on, when there is one instance only.

import type { AgentId, ConnectionId, UserId } from "../../../protocol/ids.ts";
import type { TerminalSlots } from "../../domain/plans/plan.ts";

export function createTerminalSlots(): TerminalSlots {
  const slots = new Map<UserId, Map<AgentId, Set<ConnectionId>>>();

  return {
    // Nothing waits between the check and the change: two acquires can't see the same free slot.
    async acquire({ userId, agentId, connectionId }, limit) {
      const agents = slots.get(userId) ?? new Map<AgentId, Set<ConnectionId>>();
      const connections = agents.get(agentId);
      if (connections !== undefined) {
        connections.add(connectionId);
        return { granted: true };
      }
      if (limit !== undefined && agents.size >= limit) return { granted: false, used: agents.size };
      agents.set(agentId, new Set([connectionId]));
      slots.set(userId, agents);
      return { granted: true };
    },
    async release({ userId, agentId, connectionId }) {
      const agents = slots.get(userId);
      const connections = agents?.get(agentId);
      connections?.delete(connectionId);
      if (connections?.size === 0) agents?.delete(agentId);
      if (agents?.size === 0) slots.delete(userId);
    },
    async used(userId) {
      return slots.get(userId)?.size ?? 0;
    },
  };
}
