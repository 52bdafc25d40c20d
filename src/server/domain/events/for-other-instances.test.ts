// Which events cross to other instances: what nobody there finds out alone, and statistics only while they are wanted.
import { beforeEach, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../../../test/support/manual-clock.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { STATS_WANTED_MS } from "../agents/watch-agent-stats.ts";
import type { DomainEvent, EventListener } from "./events.ts";
import { isForOtherInstances } from "./for-other-instances.ts";

const of = { agentId: "agent" as AgentId, userId: "owner" as UserId };
const stats: DomainEvent = { type: "agent.stats", stats: { measuredAt: new Date(0) }, ...of };
const other = "another" as InstanceId;

let clock: ManualClock;
let hear: EventListener;
let isForOthers: (event: DomainEvent) => boolean;
beforeEach(() => {
  clock = manualClock();
  isForOthers = isForOtherInstances({
    events: {
      subscribe(listener) {
        hear = listener;
        return () => {};
      },
    },
    now: () => clock.monotonicMs(),
  });
});

it("statistics cross for half a minute after another instance has said that it wants them", () => {
  expect(isForOthers(stats)).toBe(false);
  hear({ type: "stats.wanted" });
  expect(isForOthers(stats)).toBe(false);
  hear({ type: "stats.wanted" }, other);
  clock.advance(STATS_WANTED_MS - 1);
  expect(isForOthers(stats)).toBe(true);
  hear({ type: "stats.wanted" }, other);
  clock.advance(1);
  expect(isForOthers(stats)).toBe(true);
  clock.advance(STATS_WANTED_MS - 1);
  expect(isForOthers(stats)).toBe(false);
});

it("what every instance finds out by itself does not cross, and everything else does", () => {
  for (const type of ["events.missed", "access.uncertain"] as const) expect(isForOthers({ type })).toBe(false);
  expect(isForOthers({ type: "instance.beat", instanceId: other })).toBe(false);
  expect(isForOthers({ type: "stats.wanted" })).toBe(true);
  expect(isForOthers({ type: "agent.connected", ...of })).toBe(true);
  expect(isForOthers({ type: "token.revoked", tokenHash: "hash", userId: of.userId })).toBe(true);
});
