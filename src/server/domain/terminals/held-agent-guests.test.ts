// Guests on an agent's shells: they look at the one that is shared, and start none.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer, RecordingAgentLink, type RecordingViewerLink } from "../../../../test/support/terminal-links.ts";
import type { AgentId, BootId, SessionId, ShareId, UserId } from "../../../protocol/ids.ts";
import type { Agent } from "../agents/agent.ts";
import { HeldAgent } from "./held-agent.ts";
import type { ViewerOpen } from "./viewer.ts";

const BOOT = "boot-one" as BootId;
const STARTED_AT_MS = 1_000;
const started = { stream: 7, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: STARTED_AT_MS };
const shareId = randomUUID() as ShareId;

let link: RecordingAgentLink;
let held: HeldAgent;
beforeEach(() => {
  link = new RecordingAgentLink();
  const agent = { id: randomUUID() as AgentId, userId: "owner" as UserId } as Agent;
  held = new HeldAgent(agent, { onSession() {}, onViewer() {} }, manualClock());
  held.linkUp(link, BOOT, [started]);
});

function add(fields: Partial<ViewerOpen> = {}, startedAtMs = STARTED_AT_MS): RecordingViewerLink {
  const guest = { shareId, sessionStartedAt: new Date(startedAtMs) };
  const made = aViewer({ guest, create: false, ...fields });
  held.addViewer(made.viewer);
  return made.link;
}

function answer(stream: number): void {
  const { requestId, sessionId, cols, rows } = link.of("attach").at(-1)!;
  const value = { requestId, attachment: 1, stream, sessionId, cols, rows };
  held.onAgentControl({
    $case: "attached",
    value: { ...value, resumed: false, inputOffset: 0, outputOffset: 0 },
  });
}

const reasonsOf = (viewer: RecordingViewerLink) => viewer.of("error").map(({ reason }) => reason);

describe("a guest", () => {
  it("is put on the session that is shared, under a name that is not the sharer's", () => {
    const seen = add({ userId: "owner" as UserId });
    expect(link.of("attach")).toEqual([expect.objectContaining({ userId: `share:${shareId}`, create: false })]);
    answer(7);
    expect(seen.of("opened")).toHaveLength(1);
  });

  it("is not even asked for on a session that does not run, or that has begun since it was shared", () => {
    expect(reasonsOf(add({ sessionId: "split-a" as SessionId }))).toEqual(["SESSION_NOT_FOUND"]);
    expect(reasonsOf(add({}, STARTED_AT_MS - 1))).toEqual(["SESSION_NOT_FOUND"]);
    expect(link.of("attach")).toEqual([]);
  });

  it("is let go where the agent has put it on another session of that name, and sees nothing of it", () => {
    const seen = add();
    held.onAgentControl({ $case: "sessionStarted", value: { ...started, stream: 8, startedAtMs: 2_000 } });
    answer(8);
    expect(reasonsOf(seen)).toEqual(["SESSION_NOT_FOUND"]);
    expect(seen.of("opened")).toEqual([]);
    expect(link.of("detach")).toEqual([{ attachment: 1, linger: false }]);
  });

  it("hears nothing of the machine's load", () => {
    const [guest, user] = [add(), aViewer({})];
    held.addViewer(user.viewer);
    const stats = { measuredAtMs: 1, cpuPercent: 1, memoryUsedBytes: 1, memoryTotalBytes: 1 };
    held.onAgentControl({ $case: "stats", value: { ...stats, diskUsedBytes: 1, diskTotalBytes: 1 } as never });
    expect(guest.of("stats")).toEqual([]);
    expect(user.link.of("stats")).toHaveLength(1);
  });
});
