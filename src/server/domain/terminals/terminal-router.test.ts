// Agents that this instance holds no longer: what whoever follows the events hears of their shells and viewers.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer, RecordingAgentLink, RecordingViewerLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, BootId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { RESUME_GRACE_MS } from "../../../protocol/limits.ts";
import type { Agent } from "../agents/agent.ts";
import type { DomainEvent } from "../events/events.ts";
import { TerminalRouter } from "./terminal-router.ts";

const agent = { id: randomUUID() as AgentId, userId: "owner" as UserId } as Agent;
const started = { cols: 80, rows: 24, offset: 0, startedAtMs: 0 };
const main = { ...started, stream: 1, sessionId: "main" };
const split = { ...started, stream: 2, sessionId: "split-a" };
const hello = { bootId: "boot" as BootId, sessions: [main, split], epoch: 1 };

let clock: ManualClock;
let router: TerminalRouter;
let link: RecordingAgentLink;
let viewerLink: RecordingViewerLink;
let told: string[];
let publish: (event: DomainEvent) => void;
beforeEach(() => {
  clock = manualClock();
  told = [];
  router = new TerminalRouter({
    instanceId: randomUUID() as InstanceId,
    clock,
    events: {
      publish: (event) => told.push("sessionId" in event ? `${event.type} ${event.sessionId}` : event.type),
      subscribe(listener) {
        publish = listener;
        return () => {};
      },
    },
  });
  link = new RecordingAgentLink();
  viewerLink = new RecordingViewerLink();
  router.agentUp(link, agent, hello);
  router.openViewer(agent.id, aViewer().viewer.open, viewerLink);
  const held = router.heldBy(link, agent.id)!;
  const { requestId } = link.of("attach")[0]!;
  const size = { cols: 80, rows: 24 };
  const offsets = { inputOffset: 0, outputOffset: 0 };
  held.onAgentControl({
    $case: "attached",
    value: { requestId, attachment: 1, stream: 1, sessionId: "main", resumed: false, ...offsets, ...size },
  });
  held.onAgentControl({
    $case: "sessionEnded",
    value: { stream: 1, sessionId: "main", endOffset: 9, exitCode: 0, reason: "exited" },
  });
  told = [];
});

describe("an agent that does not come back in time", () => {
  it("has its shells told to have ended, those that had not, and its viewers to have left", () => {
    router.agentDown(link, agent.id);
    clock.advance(RESUME_GRACE_MS - 1);
    router.tick();
    expect(told).toEqual([]);
    expect(router.localSessions({}).sessions).toHaveLength(1);
    clock.advance(1);
    router.tick();
    expect(told).toEqual(["session.ended split-a", "session.left main"]);
    expect(router.localSessions({}).sessions).toEqual([]);
    expect(router.reachability(agent.id)).toBe("AGENT_OFFLINE");
    router.tick();
    expect(told).toHaveLength(2);
  });

  it("is waited for as long as ever, whatever somebody sets the clock to", () => {
    router.agentDown(link, agent.id);
    clock.set(3_600_000);
    router.tick();
    expect(told).toEqual([]);
    clock.set(-7_200_000);
    clock.advance(RESUME_GRACE_MS);
    router.tick();
    expect(told).toContain("session.ended split-a");
  });

  it("has its viewers counted once as gone, when their sockets end, too", () => {
    const opened = router.openViewer(agent.id, aViewer().viewer.open, new RecordingViewerLink());
    if (typeof opened === "string") throw new Error(opened);
    router.agentDown(link, agent.id);
    const [attached] = router.viewersOf(agent.id);
    clock.advance(RESUME_GRACE_MS);
    router.tick();
    opened.held.removeViewer(attached!, true);
    expect(told.filter((each) => each === "session.left main")).toHaveLength(1);
  });
});

describe("an agent that is deleted", () => {
  const deleted = () => publish({ type: "agent.deleted", agentId: agent.id, userId: agent.userId });

  it("has its shells told to have ended at once, and its viewers closed", () => {
    deleted();
    expect(told).toEqual(["session.ended split-a", "session.left main"]);
    expect(router.localSessions({}).sessions).toEqual([]);
    expect(viewerLink.closed).toEqual({ code: 4404, reason: "agent not found" });
    // Its own socket is still to be closed, and its end to be told.
    expect(router.agentDown(link, agent.id)).toBe(true);
  });

  it("is held no more where it was away", () => {
    router.agentDown(link, agent.id);
    deleted();
    expect(told).toEqual(["session.ended split-a", "session.left main"]);
    expect(router.reachability(agent.id)).toBe("AGENT_OFFLINE");
  });

  it("is nobody's business where it is another one", () => {
    publish({ type: "agent.deleted", agentId: randomUUID() as AgentId, userId: agent.userId });
    publish({ type: "agent.disconnected", agentId: agent.id, userId: agent.userId });
    expect([told, router.localSessions({}).sessions.length]).toEqual([[], 1]);
  });
});
