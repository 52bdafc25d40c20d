// Who is believed where the store of locations names another owner of an agent than the one that has its socket.

import { beforeEach, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { RecordingAgentLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { TerminalRouter } from "../terminals/terminal-router.ts";
import { AgentLifecycle, type LifecycleDeps } from "./agent-lifecycle.ts";
import type { Agent } from "./agent.ts";
import type { AgentLocation } from "./locations.ts";

const EPOCH = 7;

let clock: ReturnType<typeof manualClock>;
let link: RecordingAgentLink;
let lifecycle: AgentLifecycle;
let restored: AgentLocation[];
/** As the database has it. */
let stored: { epoch: number } | "away";

beforeEach(async () => {
  clock = manualClock();
  restored = [];
  stored = { epoch: EPOCH };
  const ignore = () => {};
  const events = { publish: ignore, subscribe: () => ignore };
  const instanceId = "one" as InstanceId;
  lifecycle = new AgentLifecycle({
    instanceId,
    clock,
    events,
    router: new TerminalRouter({ instanceId, clock, events }),
    locations: {
      claim: async (location: object) => ({ ...location, epoch: EPOCH }),
      refresh: async (held: readonly AgentLocation[]) => held,
      restore: async (location: AgentLocation) => void restored.push(location),
    },
    agents: {
      markConnected: async () => true,
      markSeen: async () => {},
      async get() {
        if (stored === "away") throw new Error("the database is away");
        return stored;
      },
    },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  } as unknown as LifecycleDeps);
  link = new RecordingAgentLink();
  const agent = { id: "agent" as AgentId, userId: "owner" as UserId, epoch: 0 } as Agent;
  const socket = Object.assign(link, { ping: ignore, terminate: ignore });
  await lifecycle.connected(socket, agent, { bootId: undefined, sessions: [], facts: {} });
});

/** A refresh finds the other's location; each comes ten seconds after the one before. */
async function refresh(): Promise<void> {
  clock.advance(10_000);
  lifecycle.tick();
  // Two answers: the store's and the database's.
  await new Promise(setImmediate);
}

it("an owner that the database knows nothing of is overwritten, once it would have been told", async () => {
  for (let looks = 0; looks < 4; looks++) await refresh();
  expect(restored).toEqual([]);
  await refresh();
  expect(restored).toMatchObject([{ agentId: "agent", instanceId: "one", epoch: EPOCH }]);
  expect(link.closed).toBeUndefined();
});

it("an owner that the database knows of has the agent, and nothing is put back", async () => {
  for (let looks = 0; looks < 4; looks++) await refresh();
  stored = { epoch: EPOCH + 1 };
  await refresh();
  expect(restored).toEqual([]);
  expect(link.closed).toMatchObject({ code: 4410 });
});

it("while the database is away, and until it has been told what it missed, nobody is overwritten or given up", async () => {
  for (let looks = 0; looks < 4; looks++) await refresh();
  stored = "away";
  await refresh();
  stored = { epoch: EPOCH };
  for (let looks = 0; looks < 4; looks++) await refresh();
  expect(restored).toEqual([]);
  expect(link.closed).toBeUndefined();
});
