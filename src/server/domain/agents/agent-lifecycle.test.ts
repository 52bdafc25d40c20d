// What an agent says of its machine, however often it says it.

import { expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { RecordingAgentLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import type { DomainEvent } from "../events/events.ts";
import { TerminalRouter } from "../terminals/terminal-router.ts";
import { AgentLifecycle, type LifecycleDeps } from "./agent-lifecycle.ts";
import type { Agent, SystemInfo } from "./agent.ts";

it("system information is taken in once a minute, and then the latest", async () => {
  const clock = manualClock();
  const published: DomainEvent[] = [];
  const saved: SystemInfo[] = [];
  const events = { publish: (event: DomainEvent) => void published.push(event), subscribe: () => () => {} };
  const instanceId = "one" as InstanceId;
  const lifecycle = new AgentLifecycle({
    instanceId,
    clock,
    events,
    router: new TerminalRouter({ instanceId, clock, events }),
    locations: { claim: async (location: object) => ({ ...location, epoch: 1 }) },
    agents: {
      markConnected: async () => {},
      markSeen: async () => {},
      saveSystemInfo: async (_: AgentId, info: SystemInfo) => void saved.push(info),
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  } as unknown as LifecycleDeps);
  const agent = { id: "agent" as AgentId, userId: "owner" as UserId, epoch: 0 } as Agent;
  const link = Object.assign(new RecordingAgentLink(), { ping() {}, terminate() {} });
  const connection = await lifecycle.connected(link, agent, { bootId: undefined, sessions: [], facts: {} });
  const say = (hostname: string) => lifecycle.onSystemInfo(connection, { hostname } as SystemInfo);
  const told = () =>
    published.flatMap((event) => (event.type === "agent.system_info" ? [event.systemInfo.hostname] : []));

  for (let n = 0; n < 1000; n++) say(`host ${n}`);
  clock.advance(59_000);
  lifecycle.tick();
  expect(told()).toEqual(["host 0"]);
  clock.advance(1_000);
  lifecycle.tick();
  expect(told()).toEqual(["host 0", "host 999"]);
  await lifecycle.settled();
  expect(saved.map(({ hostname }) => hostname)).toEqual(told());
});
