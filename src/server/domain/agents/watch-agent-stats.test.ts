// How often a watcher of many agents' load is served, and what it costs.
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { aUser, userIdentity } from "../../../../test/support/identities.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { DomainEvent } from "../events/events.ts";
import type { AgentStats } from "./agent.ts";
import { watchAgentStats } from "./watch-agent-stats.ts";

const AGENTS = 1000;
const MIN_INTERVAL_MS = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** `looks`: how often an agent that waits was looked at. */
function watched() {
  const user = aUser();
  const ids = Array.from({ length: AGENTS }, () => randomUUID() as AgentId);
  const sent: AgentId[] = [];
  const watch = new AbortController();
  let looks = 0;
  let publish: (event: DomainEvent) => void = () => {};
  const clock = { monotonicMs: () => (looks++, Date.now()) };
  const events = { publish() {}, subscribe: (listener: typeof publish) => ((publish = listener), () => {}) };
  const ended = watchAgentStats(
    { events, clock },
    { caller: userIdentity(user, "read"), agentIds: new Set(), minIntervalMs: MIN_INTERVAL_MS, signal: watch.signal },
    async ({ agentId }) => void sent.push(agentId),
  ).catch((error: unknown) => error);
  return {
    sent,
    looks: () => looks,
    /** Each in a turn of its own, so that the watcher could wake for it; no time goes by. */
    async allReport(): Promise<void> {
      for (const agentId of ids) {
        publish({ type: "agent.stats", agentId, userId: user.id, stats: {} as AgentStats });
        await vi.advanceTimersByTimeAsync(0);
      }
    },
    async end(): Promise<void> {
      watch.abort(new Error("over"));
      expect(await ended).toEqual(new Error("over"));
    },
  };
}

it("a burst of reports is sent in one round", async () => {
  const { sent, looks, allReport, end } = watched();
  await allReport();
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toHaveLength(AGENTS);
  expect(looks()).toBe(AGENTS);
  await end();
});

it("reports that are not due yet are looked at once for a burst of them, not once for each", async () => {
  const { sent, looks, allReport, end } = watched();
  await allReport();
  await vi.advanceTimersByTimeAsync(200);
  const before = looks();
  await allReport();
  await vi.advanceTimersByTimeAsync(200);
  expect(sent).toHaveLength(AGENTS);
  expect(looks() - before).toBeLessThanOrEqual(2 * AGENTS);
  await vi.advanceTimersByTimeAsync(MIN_INTERVAL_MS);
  expect(sent).toHaveLength(2 * AGENTS);
  await end();
});
