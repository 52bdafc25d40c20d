// What concerns an agent that another instance holds is asked of that one.
import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { silentLogger } from "../../../../test/support/silent-logger.ts";
import { RecordingAgentLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { createEventBus } from "../../adapters/memory/event-bus.ts";
import type { Agent } from "../agents/agent.ts";
import type { InstanceCalls } from "../instances/instance-calls.ts";
import { AgentsEverywhere } from "./agents-everywhere.ts";
import { TerminalRouter } from "./terminal-router.ts";

const [HERE, THERE] = ["here", "there"] as InstanceId[] as [InstanceId, InstanceId];
const agent = { id: randomUUID() as AgentId, userId: "owner" as UserId } as Agent;
const main = { stream: 1, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };

it("also where Redis has forgotten who holds it, and only a route says so", async () => {
  const events = createEventBus({ onListenerError: (error) => expect.unreachable(String(error)) });
  const router = new TerminalRouter({ instanceId: HERE, clock: manualClock(), events });
  const route = Object.assign(new RecordingAgentLink(), { via: THERE });
  router.agentUp(route, agent, { bootId: undefined, sessions: [main], epoch: 1 });
  const asked: string[] = [];
  const ask = async (to: InstanceId, { ask: what }: { ask: string }) => (asked.push(`${to} ${what}`), "told");
  const everywhere = new AgentsEverywhere({
    instanceId: HERE,
    router,
    locations: { get: async () => undefined },
    calls: { ask, others: () => [THERE] } as unknown as InstanceCalls,
    log: silentLogger,
    onDrain: () => {},
  });
  expect(await everywhere.stopSession(agent.id, "main" as never)).toBe("told");
  expect(await everywhere.disconnectAgent(agent.id)).toBe("told");
  expect(asked).toEqual(["there stop_session", "there disconnect_agent"]);
  expect([route.of("stopSession"), route.closed]).toEqual([[], undefined]);
});
