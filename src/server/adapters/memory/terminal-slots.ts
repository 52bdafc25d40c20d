// Which agents each user has terminals on, when there is one instance only.

import type { AgentId, ConnectionId, UserId } from "../../../protocol/ids.ts";
import type { SlotAnswer, TerminalSlots } from "../../domain/plans/plan.ts";

/** `onChange` hears of a user who has terminals on more or fewer agents than before. */
export function createTerminalSlots(onChange: (userId: UserId) => void = () => {}): TerminalSlots {
  const slots = new Map<UserId, Map<AgentId, Set<ConnectionId>>>();

  function answer({ userId, agentId }: { userId: UserId; agentId: AgentId }, limit: number | undefined): SlotAnswer {
    const agents = slots.get(userId);
    const used = agents?.size ?? 0;
    if (limit === undefined || used < limit || agents?.has(agentId)) return { granted: true };
    return { granted: false, used };
  }

  return {
    // Nothing waits between the check and the change: two acquires can't see the same free slot.
    async acquire(slot, limit) {
      const result = answer(slot, limit);
      if (!result.granted) return result;
      const { userId, agentId, connectionId } = slot;
      const agents = slots.get(userId) ?? new Map<AgentId, Set<ConnectionId>>();
      const connections = agents.get(agentId);
      connections?.add(connectionId);
      if (connections === undefined) {
        agents.set(agentId, new Set([connectionId]));
        slots.set(userId, agents);
        onChange(userId);
      }
      return result;
    },
    async check(slot, limit) {
      return answer(slot, limit);
    },
    async release({ userId, agentId, connectionId }) {
      const agents = slots.get(userId);
      const connections = agents?.get(agentId);
      connections?.delete(connectionId);
      if (connections?.size !== 0) return;
      agents?.delete(agentId);
      if (agents?.size === 0) slots.delete(userId);
      onChange(userId);
    },
    async used(userId) {
      return slots.get(userId)?.size ?? 0;
    },
  };
}
