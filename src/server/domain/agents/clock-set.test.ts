// Somebody sets the clock of a machine that holds agents: who is here stays, who is silent goes, and when, is told right.

import { beforeEach, expect, it } from "vitest";
import { type ManualClock, manualClock } from "../../../../test/support/manual-clock.ts";
import { RecordingAgentLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { OFFLINE_AFTER_MS } from "../../../protocol/limits.ts";
import { TerminalRouter } from "../terminals/terminal-router.ts";
import type { AgentConnection } from "./agent-connection.ts";
import { AgentLifecycle, type LifecycleDeps } from "./agent-lifecycle.ts";
import type { Agent, AgentStats, AgentStore } from "./agent.ts";
import type { AgentLocation } from "./locations.ts";

const HOUR_MS = 3_600_000;

let clock: ManualClock;
let lifecycle: AgentLifecycle;
let connection: AgentConnection;
let isTerminated: boolean;
let refreshes: number;
let seen: Parameters<AgentStore["markSeen"]>[0];
let statsSaved: number;
let told: string[];

beforeEach(async () => {
  clock = manualClock();
  isTerminated = false;
  refreshes = 0;
  statsSaved = 0;
  seen = [];
  told = [];
  const ignore = () => {};
  const events = { publish: ({ type }: { type: string }) => void told.push(type), subscribe: () => ignore };
  const instanceId = "one" as InstanceId;
  lifecycle = new AgentLifecycle({
    instanceId,
    clock,
    events,
    router: new TerminalRouter({ instanceId, clock, events }),
    locations: {
      claim: async (location: object) => ({ ...location, epoch: 1 }),
      async refresh(held: readonly AgentLocation[]) {
        refreshes += held.length;
        return [];
      },
    },
    agents: {
      markConnected: async () => {},
      markSeen: async (batch: typeof seen) => void (seen = batch),
      saveStats: async () => void statsSaved++,
    },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  } as unknown as LifecycleDeps);
  const agent = { id: "agent" as AgentId, userId: "owner" as UserId, epoch: 0 } as Agent;
  const link = Object.assign(new RecordingAgentLink(), { ping: ignore, terminate: () => void (isTerminated = true) });
  connection = await lifecycle.connected(link, agent, { bootId: undefined, sessions: [], facts: {} });
});

async function pass(ms: number): Promise<void> {
  for (let atMs = 0; atMs < ms; atMs += 1_000) {
    clock.advance(1_000);
    lifecycle.tick();
    await new Promise(setImmediate);
  }
}

it.each([HOUR_MS, -HOUR_MS])("an agent that is heard stays where the clock is set by %d ms", async (byMs) => {
  lifecycle.heard(connection);
  await pass(2_000);
  clock.set(byMs);
  lifecycle.tick();
  await pass(5_000);
  expect(isTerminated).toBe(false);
  expect(told).not.toContain("agent.suspect");
});

it.each([HOUR_MS, -HOUR_MS])("one that is silent is given up after 45 s where it is set by %d ms", async (byMs) => {
  lifecycle.heard(connection);
  clock.set(byMs);
  await pass(OFFLINE_AFTER_MS - 1_000);
  expect(isTerminated).toBe(false);
  await pass(1_000);
  expect(isTerminated).toBe(true);
});

it("a location is said anew every ten seconds after the clock was set back", async () => {
  await pass(10_000);
  clock.set(-HOUR_MS);
  refreshes = 0;
  await pass(30_000);
  expect(refreshes).toBe(3);
});

it("when an agent was seen last is said by the clock as it is", async () => {
  clock.set(HOUR_MS);
  lifecycle.heard(connection);
  const heardAt = clock.now();
  await pass(19_000);
  await lifecycle.settled();
  clock.set(-2 * HOUR_MS);
  await pass(11_000);
  await lifecycle.settled();
  expect(seen).toEqual([{ id: "agent", at: new Date(heardAt - 2 * HOUR_MS), status: "suspect" }]);
});

it("the first statistics are saved, however lately the machine has started", () => {
  lifecycle.onStats(connection, {} as AgentStats);
  expect(statsSaved).toBe(1);
});
