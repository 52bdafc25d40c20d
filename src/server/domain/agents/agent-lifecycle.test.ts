// What is written of agents that connect, and when.

import { beforeEach, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { RecordingAgentLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import type { DomainEvent } from "../events/events.ts";
import { TerminalRouter } from "../terminals/terminal-router.ts";
import { AgentLifecycle, type LifecycleDeps } from "./agent-lifecycle.ts";
import type { Agent, ConnectionFacts, SystemInfo } from "./agent.ts";

let clock: ReturnType<typeof manualClock>;
let published: DomainEvent[];
/** Host names, as they came into the database with a connection and by themselves. */
let connectedWith: (string | undefined)[];
let saved: string[];
let seen: number[];
let database: "there" | "away";
let lifecycle: AgentLifecycle;
/** Whether the database has the agents. */
let isKnown: boolean;

beforeEach(() => {
  clock = manualClock();
  published = [];
  connectedWith = [];
  saved = [];
  seen = [];
  database = "there";
  isKnown = true;
  const events = { publish: (event: DomainEvent) => void published.push(event), subscribe: () => () => {} };
  const instanceId = "one" as InstanceId;
  const ask = () => {
    if (database === "away") throw new Error("the database is away");
  };
  lifecycle = new AgentLifecycle({
    instanceId,
    clock,
    events,
    router: new TerminalRouter({ instanceId, clock, events }),
    locations: { claim: async (location: object) => ({ ...location, epoch: 1 }), refresh: async () => [] },
    agents: {
      async markConnected(_: AgentId, __: Date, { systemInfo }: ConnectionFacts) {
        ask();
        connectedWith.push(systemInfo?.hostname);
        return isKnown;
      },
      markSeen: async (agents: readonly unknown[]) => void seen.push(agents.length),
      async saveSystemInfo(_: AgentId, { hostname }: SystemInfo) {
        ask();
        saved.push(hostname);
      },
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  } as unknown as LifecycleDeps);
});

async function connect(id = "agent", facts: ConnectionFacts = {}, known: Partial<Agent> = {}) {
  const agent = { id: id as AgentId, userId: "owner" as UserId, epoch: 0, ...known } as Agent;
  const link = Object.assign(new RecordingAgentLink(), { ping() {}, terminate() {} });
  const connection = await lifecycle.connected(link, agent, { bootId: undefined, sessions: [], facts });
  return { connection, link };
}

const machine = (hostname: string) => ({ hostname }) as SystemInfo;
const told = () =>
  published.flatMap((event) => (event.type === "agent.system_info" ? [event.systemInfo.hostname] : []));

it("system information is taken in once a minute, and then the latest", async () => {
  const { connection } = await connect();
  for (let n = 0; n < 1000; n++) lifecycle.onSystemInfo(connection, machine(`host ${n}`));
  clock.advance(59_000);
  lifecycle.tick();
  expect(told()).toEqual(["host 0"]);
  clock.advance(1_000);
  lifecycle.tick();
  expect(told()).toEqual(["host 0", "host 999"]);
  await lifecycle.settled();
  expect(saved).toEqual(told());
});

it("what a connection says of its machine is written with it, told, and counts as the minute's", async () => {
  const { connection } = await connect("agent", { systemInfo: machine("first") });
  lifecycle.onSystemInfo(connection, machine("second"));
  await lifecycle.settled();
  expect(told()).toEqual(["first"]);
  expect([connectedWith, saved]).toEqual([["first"], []]);
  clock.advance(60_000);
  lifecycle.tick();
  await lifecycle.settled();
  expect(saved).toEqual(["second"]);
});

it("what a connection says of its machine is news where it said something else before, or nothing", async () => {
  const before = { ...machine("one"), cpuCount: 4, memoryFreeBytes: 1 };
  const now = { ...before, memoryFreeBytes: 2 };
  await connect("agent", { systemInfo: now }, { systemInfo: before });
  await connect("agent", { systemInfo: { ...now, cpuCount: 8 } }, { systemInfo: before });
  await connect("agent", { systemInfo: now });
  // By a message of its own, as older agents do.
  const { connection } = await connect("agent", {}, { systemInfo: before });
  lifecycle.onSystemInfo(connection, now);
  const news = published.flatMap((event) => (event.type === "agent.system_info" ? [event.isNews] : []));
  expect(news).toEqual([false, true, true, false]);
});

it("a connection that is written late, when the database is back, brings no old system information back", async () => {
  database = "away";
  const { connection } = await connect("agent", { systemInfo: machine("old") });
  await lifecycle.settled();
  database = "there";
  clock.advance(60_000);
  lifecycle.onSystemInfo(connection, machine("new"));
  lifecycle.tick();
  await lifecycle.settled();
  expect([connectedWith, saved]).toEqual([[undefined], ["new"]]);
});

it("an agent that was deleted while it connected is shut out", async () => {
  isKnown = false;
  const { link } = await connect();
  await lifecycle.settled();
  expect(link.closed).toMatchObject({ code: 4404 });
});

it("signs of life of thousands are written in several statements", async () => {
  for (let n = 0; n < 2_500; n++) await connect(String(n));
  lifecycle.tick();
  await lifecycle.settled();
  expect(seen).toEqual([1_000, 1_000, 500]);
});
