// Which agents each user has terminals on, and who is a guest of which share, when there is one instance only.

import type { AgentId, ConnectionId, ShareId, UserId } from "../../../protocol/ids.ts";
import { type SlotAnswer, slotKey, type TerminalSlots } from "../../domain/plans/plan.ts";

/** `onChange` hears of a user who has terminals on more or fewer agents than before. */
export function createTerminalSlots(onChange: (userId: UserId) => void = () => {}): TerminalSlots {
  const slots = new Map<UserId | ShareId, Map<AgentId | ConnectionId, Set<ConnectionId>>>();

  function answer({ holder, counted }: ReturnType<typeof slotKey>, limit: number | undefined): SlotAnswer {
    const held = slots.get(holder);
    const used = held?.size ?? 0;
    if (limit === undefined || used < limit || held?.has(counted)) return { granted: true };
    return { granted: false, used };
  }

  return {
    // Nothing waits between the check and the change: two acquires can't see the same free slot.
    async acquire(slot, limit) {
      const { holder, counted } = slotKey(slot);
      const result = answer({ holder, counted }, limit);
      if (!result.granted) return result;
      const held = slots.get(holder) ?? new Map<AgentId | ConnectionId, Set<ConnectionId>>();
      const connections = held.get(counted);
      connections?.add(slot.connectionId);
      if (connections === undefined) {
        held.set(counted, new Set([slot.connectionId]));
        slots.set(holder, held);
        if ("userId" in slot) onChange(slot.userId);
      }
      return result;
    },
    async check({ userId, agentId }, limit) {
      return answer({ holder: userId, counted: agentId }, limit);
    },
    async release(slot) {
      const { holder, counted } = slotKey(slot);
      const held = slots.get(holder);
      const connections = held?.get(counted);
      connections?.delete(slot.connectionId);
      if (connections?.size !== 0) return;
      held?.delete(counted);
      if (held?.size === 0) slots.delete(holder);
      if ("userId" in slot) onChange(slot.userId);
    },
    async used(holder) {
      return slots.get(holder)?.size ?? 0;
    },
  };
}
