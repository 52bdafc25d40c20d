// Routes to agents that other instances hold: opened, lost and followed.
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { manualClock, type ManualClock } from "../support/manual-clock.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { RecordingAgentLink } from "../support/terminal-links.ts";
import { createEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import { encodeControl } from "../../src/protocol/control-frame.ts";
import type { AgentId, ConnectionId, InstanceId, UserId } from "../../src/protocol/ids.ts";
import { RESUME_GRACE_MS } from "../../src/protocol/limits.ts";
import type { Agent } from "../../src/server/domain/agents/agent.ts";
import type { AgentLocation } from "../../src/server/domain/agents/locations.ts";
import { AgentRoutes } from "../../src/server/domain/terminals/agent-routes.ts";
import type { Route, RouteEvents } from "../../src/server/domain/terminals/routes.ts";
import { TerminalRouter } from "../../src/server/domain/terminals/terminal-router.ts";

const HERE = "here" as InstanceId;
const THERE = "there" as InstanceId;
const agent = { id: randomUUID() as AgentId, userId: "owner" as UserId } as Agent;
const main = { stream: 1, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };
const hello = encodeControl({
  $case: "agentHello",
  value: { bootId: "boot-one", version: "", systemInfo: undefined, sessions: [] },
});

class FakeRoute implements Route {
  readonly peer = THERE;
  readonly path = "redis";
  readonly isFull = false;
  readonly events: RouteEvents;
  isClosed = false;

  constructor(events: RouteEvents) {
    this.events = events;
  }
  send(): void {}
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.events.onEnd();
  }
}

let opened: FakeRoute[];
/** What the holder does with a route. */
let holder: (route: FakeRoute) => void = () => {};
let location: AgentLocation | undefined;
let router: TerminalRouter;
let routes: AgentRoutes;
let clock: ManualClock;
let events: ReturnType<typeof createEventBus>;
beforeEach(() => {
  opened = [];
  location = {
    agentId: agent.id,
    instanceId: THERE,
    connectionId: "connection" as ConnectionId,
    protocol: "rexec.v2",
    epoch: 1,
  };
  events = createEventBus({ onListenerError: (error) => expect.unreachable(String(error)) });
  clock = manualClock();
  router = new TerminalRouter({ instanceId: HERE, clock, events });
  routes = new AgentRoutes({
    instanceId: HERE,
    clock,
    locations: { get: async () => location },
    routes: {
      async open(_, routeEvents) {
        const route = new FakeRoute(routeEvents);
        opened.push(route);
        holder(route);
        return route;
      },
    },
    router,
    events,
    log: silentLogger,
  });
  onTestFinished(() => routes.dispose());
});

describe("a route to an agent elsewhere", () => {
  it("that ends right behind its greeting is none: the next one is opened anew", async () => {
    holder = (route) =>
      queueMicrotask(() => {
        route.events.onFrame(hello);
        route.close();
      });
    expect(await routes.reach(agent)).toBe("AGENT_RECONNECTING");
    expect(router.heldAgent(agent.id)?.link).toBeUndefined();
    holder = (route) => queueMicrotask(() => route.events.onFrame(hello));
    expect(await routes.reach(agent)).toBe("online");
    expect(opened).toHaveLength(2);
  });

  it("is left where the holder's first word is no greeting, though it came before the route was known to be open", async () => {
    for (const word of [Uint8Array.of(0x10, 0xff, 0xff), Uint8Array.of(1), new Uint8Array(0)]) {
      holder = (route) => route.events.onFrame(word);
      expect(await routes.reach(agent)).toBe("AGENT_RECONNECTING");
      expect(opened.at(-1)?.isClosed).toBe(true);
    }
  });

  it("is not opened where an agent that nobody here looks at dials in elsewhere, but its shells go on there", async () => {
    const told: string[] = [];
    events.subscribe(({ type }) => void told.push(type));
    const link = new RecordingAgentLink();
    router.agentUp(link, agent, { bootId: undefined, sessions: [main], epoch: 1 });
    router.agentDown(link, agent.id);
    events.deliver({ type: "agent.connected", agentId: agent.id, userId: agent.userId }, THERE);
    await setImmediate();
    expect(opened).toEqual([]);
    clock.advance(RESUME_GRACE_MS);
    router.tick();
    expect(told).not.toContain("session.ended");
  });
});

describe("an agent that is on its way", () => {
  const greeted = (route: FakeRoute) => queueMicrotask(() => route.events.onFrame(hello));
  const arrive = (from?: InstanceId) =>
    events.deliver({ type: "agent.connected", agentId: agent.id, userId: agent.userId }, from ?? HERE);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
  });

  const go = (from?: InstanceId) =>
    events.deliver({ type: "agent.disconnected", agentId: agent.id, userId: agent.userId }, from ?? HERE);

  it.each<[string, Agent["status"], InstanceId | undefined]>([
    ["was here a moment ago", "offline", HERE],
    ["was at another instance a moment ago, whatever its clock says", "offline", THERE],
    ["is said to be connected", "online", undefined],
  ])("and %s is waited for", async (_, status, wasAt) => {
    if (wasAt !== undefined) go(wasAt);
    clock.set(-3_600_000);
    clock.advance(4_000);
    const there = location;
    location = undefined;
    holder = greeted;
    const reached = routes.reachSoon({ ...agent, status, lastSeenAt: new Date(clock.now() + 3_600_000) });
    await setImmediate();
    location = there;
    arrive(THERE);
    expect(await reached).toBe("online");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is heard of though it comes while it is looked for", async () => {
    const there = location;
    location = undefined;
    holder = greeted;
    const reached = routes.reachSoon({ ...agent, status: "online" });
    location = there;
    arrive(THERE);
    expect(await reached).toBe("online");
  });

  it("is waited for a second and a half, and no longer", async () => {
    location = undefined;
    const reached = routes.reachSoon({ ...agent, status: "online" });
    await vi.advanceTimersByTimeAsync(1_499);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reached).toBe("AGENT_RECONNECTING");
  });

  it.each([
    ["it went longer ago", 5_000],
    ["nobody has heard of it", undefined],
  ])("is not waited for where %s", async (_, goneMs) => {
    location = undefined;
    if (goneMs !== undefined) go();
    clock.advance(goneMs ?? 0);
    expect(await routes.reachSoon({ ...agent, status: "offline", lastSeenAt: new Date(clock.now()) })).toBe(
      "AGENT_OFFLINE",
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is waited for by a thousand at once, and whoever comes then is answered", async () => {
    location = undefined;
    const reach = () => routes.reachSoon({ ...agent, status: "online" });
    const waiting = Array.from({ length: 1_000 }, reach);
    await setImmediate();
    expect(await reach()).toBe("AGENT_RECONNECTING");
    await vi.advanceTimersByTimeAsync(1_500);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["AGENT_RECONNECTING"]));
    expect(vi.getTimerCount()).toBe(0);
  });
});
