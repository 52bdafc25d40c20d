// Agents that have just gone: for five seconds, and as many as an instance holds.
import { expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import { Departures } from "./departures.ts";

it("an agent has just gone for five seconds from each time that it goes, whatever the time of day", () => {
  const clock = manualClock();
  const departures = new Departures(clock);
  const agent = "agent" as AgentId;
  expect(departures.isJustGone(agent)).toBe(false);
  departures.note(agent);
  clock.advance(3_000);
  departures.note(agent);
  clock.set(3_600_000);
  clock.advance(4_999);
  expect(departures.isJustGone(agent)).toBe(true);
  clock.advance(1);
  expect(departures.isJustGone(agent)).toBe(false);
});

it("the one that went first is forgotten where there are too many", () => {
  const departures = new Departures(manualClock());
  for (let n = 0; n <= 20_000; n++) departures.note(`agent-${n}` as AgentId);
  expect(["agent-0", "agent-1", "agent-20000"].map((id) => departures.isJustGone(id as AgentId))).toEqual([
    false,
    true,
    true,
  ]);
});
