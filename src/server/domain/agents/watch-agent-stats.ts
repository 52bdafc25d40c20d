// Follows what agents report of their load. The latest report of each agent is kept for a watcher that is not ready.

import type { AgentId } from "../../../protocol/ids.ts";
import { mayReach, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import { createWakeUps, pause } from "../events/wake-ups.ts";
import type { AgentStats } from "./agent.ts";

/** Reports that wait to be sent, one for each agent. At the bound those of further agents are left out until there is room. */
const MAX_WAITING = 20_000;
/** Every round looks at all that waits: the reports of many agents share one. */
const BETWEEN_ROUNDS_MS = 100;

/** For so long after it was last said, statistics are wanted. */
export const STATS_WANTED_MS = 30_000;

/** Resolves never; rejects when the signal aborts or `send` does. Agents that the caller may not see are never heard of. */
export async function watchAgentStats(
  deps: { events: EventBus; clock: Pick<Clock, "monotonicMs"> },
  input: {
    caller: UserIdentity;
    /** Empty for all. */
    agentIds: ReadonlySet<AgentId>;
    /** Between two reports of one agent. */
    minIntervalMs: number;
    signal: AbortSignal;
  },
  send: (report: { agentId: AgentId; stats: AgentStats }) => Promise<void>,
): Promise<never> {
  const caller = requireScope(input.caller, "read");
  const { agentIds, minIntervalMs, signal } = input;
  const waiting = new Map<AgentId, AgentStats>();
  const sentAtMs = new Map<AgentId, number>();
  const wakeUps = createWakeUps();
  const waiter = wakeUps.waiter();

  const unsubscribe = deps.events.subscribe((event) => {
    if (event.type === "agent.deleted" || event.type === "agent.disconnected") {
      waiting.delete(event.agentId);
      sentAtMs.delete(event.agentId);
      return;
    }
    if (event.type !== "agent.stats" || !mayReach(caller, event)) return;
    if (agentIds.size > 0 && !agentIds.has(event.agentId)) return;
    if (waiting.size >= MAX_WAITING && !waiting.has(event.agentId)) return;
    waiting.set(event.agentId, event.stats);
    wakeUps.wake();
  });
  // Other instances send theirs while somebody wants them.
  const want = (): void => deps.events.publish({ type: "stats.wanted" });
  const wanting = setInterval(want, STATS_WANTED_MS / 3);
  want();

  /** Sends what is due; how long until the next is. */
  async function sendDue(): Promise<number> {
    let nextInMs = minIntervalMs;
    for (const [agentId, stats] of waiting) {
      const now = deps.clock.monotonicMs();
      const leftMs = (sentAtMs.get(agentId) ?? Number.NEGATIVE_INFINITY) + minIntervalMs - now;
      if (leftMs > 0) {
        nextInMs = Math.min(nextInMs, leftMs);
        continue;
      }
      waiting.delete(agentId);
      sentAtMs.set(agentId, now);
      await send({ agentId, stats });
    }
    return nextInMs;
  }

  try {
    for (;;) {
      const nextInMs = await sendDue();
      await waiter.next(nextInMs, signal);
      await pause(BETWEEN_ROUNDS_MS, signal);
    }
  } finally {
    clearInterval(wanting);
    unsubscribe();
  }
}
