// Which shells of an agent the server knows, through the agent's absence and at their bound.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer, RecordingAgentLink, type RecordingViewerLink } from "../../../../test/support/terminal-links.ts";
import type { ControlOf } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../../protocol/data-frame.ts";
import type { AgentId, BootId, UserId } from "../../../protocol/ids.ts";
import { MAX_ENDED_SESSIONS_PER_AGENT, MAX_SESSIONS_PER_AGENT, RESUME_GRACE_MS } from "../../../protocol/limits.ts";
import { HeldAgent } from "./held-agent.ts";
import type { Viewer, ViewerOpen } from "./viewer.ts";

const BOOT = "boot-one" as BootId;
const main = { stream: 7, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };
const split = { ...main, stream: 8, sessionId: "split-a" };
const ended = { stream: 7, sessionId: "main", endOffset: 5, exitCode: 3, reason: "exited" };

let clock: ManualClock;
let link: RecordingAgentLink;
let held: HeldAgent;
let told: string[];
beforeEach(() => {
  clock = manualClock();
  link = new RecordingAgentLink();
  told = [];
  held = new HeldAgent(
    { id: randomUUID() as AgentId, userId: "owner" as UserId },
    {
      onSession: (_held, change, { id }) => told.push(`${change} ${id}`),
      onViewer: (_held, change, { open }) => told.push(`${change} ${open.sessionId}`),
    },
    clock,
  );
  held.linkUp(link, BOOT, [main, split]);
  told = [];
});

function add(fields: Partial<ViewerOpen> = {}): { viewer: Viewer; link: RecordingViewerLink } {
  const made = aViewer(fields);
  held.addViewer(made.viewer);
  return made;
}

/** The agent's answer to the last attach. */
function attached(fields: Partial<ControlOf<"attached">> = {}): void {
  const { requestId, sessionId, cols, rows } = link.of("attach").at(-1)!;
  const answer = { requestId, attachment: 1, stream: main.stream, sessionId, cols, rows };
  held.onAgentControl({
    $case: "attached",
    value: { ...answer, resumed: false, inputOffset: 0, outputOffset: 0, ...fields },
  });
}

function refused(fields: Partial<ControlOf<"attachRefused">> = {}): void {
  const { requestId } = link.of("attach").at(-1)!;
  held.onAgentControl({
    $case: "attachRefused",
    value: { requestId, reason: "SESSION_NOT_FOUND", ended: undefined, ...fields },
  });
}

function output(text: string, offset: number): void {
  held.onAgentFrame(
    encodeDataFrame({ type: FRAME.OUTPUT, stream: main.stream, attachment: 0, offset }, Buffer.from(text)),
  );
}

/** On main, and has had two bytes of it. */
function watching(): { viewer: Viewer; link: RecordingViewerLink } {
  const made = add();
  attached();
  const { stream, cols, rows } = main;
  held.onAgentControl({
    $case: "snapshot",
    value: { stream, attachment: 1, offset: 0, cols, rows, data: new Uint8Array() },
  });
  output("ab", 0);
  told = [];
  return made;
}

function cut(running: ControlOf<"sessionStarted">[]): void {
  held.linkDown(link);
  link = new RecordingAgentLink("again");
  held.linkUp(link, BOOT, running);
}

const sayEnded = (value = ended) => held.onAgentControl({ $case: "sessionEnded", value });
const running = () => [...held.sessions.values()].filter((session) => !session.ended).map(({ id }) => id);

describe("a shell that ended while its agent was away", () => {
  it("and that nobody looked at is told and forgotten when the agent does not name it", () => {
    cut([split]);
    expect(told).toEqual(["ended main"]);
    expect([...held.sessions.values()].map(({ id }) => id)).toEqual(["split-a"]);
  });

  it("is not said to run, and its viewers get the rest of it and its exit code", () => {
    const { link: seen } = watching();
    cut([split]);
    expect(told).toEqual(["ended main"]);
    expect(running()).toEqual(["split-a"]);
    attached({ resumed: true, outputOffset: 5 });
    sayEnded();
    expect(seen.closed).toBeUndefined();
    expect(link.of("replay")).toEqual([expect.objectContaining({ from: 2 })]);
    output("cde", 2);
    expect(seen.text).toBe("abcde");
    expect(seen.of("sessionEnded")).toEqual([ended]);
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 3" });
    expect(told).toEqual(["ended main"]);
  });

  it("and whose output the agent has forgotten is told of as it says so", () => {
    const { viewer, link: seen } = watching();
    cut([]);
    refused({ ended });
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 3" });
    held.removeViewer(viewer, true);
    expect(held.sessions.size).toBe(0);
    expect(told).toEqual(["ended main", "ended split-a", "left main"]);
  });

  it("lets nobody wait for ever whom the agent puts on it without saying how it ended", () => {
    const { link: seen } = watching();
    cut([]);
    attached({ resumed: true });
    clock.advance(RESUME_GRACE_MS - 1);
    held.expire(clock.monotonicMs());
    expect(seen.closed).toBeUndefined();
    clock.advance(1);
    held.expire(clock.monotonicMs());
    expect(seen.closed).toEqual({ code: 4404, reason: "session not found" });
    expect(held.sessions.size).toBe(0);
  });

  it("has viewers that wait for the agent once more hear how it ended, however late", () => {
    const { link: seen } = watching();
    cut([]);
    held.linkDown(link);
    clock.advance(RESUME_GRACE_MS);
    held.expire(clock.monotonicMs());
    expect(seen.closed).toBeUndefined();
    link = new RecordingAgentLink("third");
    held.linkUp(link, BOOT, []);
    refused({ ended });
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 3" });
  });

  it("takes nobody with it who has been put on another one since", () => {
    const { viewer, link: seen } = watching();
    cut([]);
    held.onAgentControl({ $case: "sessionStarted", value: { ...main, stream: 9 } });
    attached({ stream: 9, attachment: 2 });
    clock.advance(RESUME_GRACE_MS);
    held.expire(clock.monotonicMs());
    expect([viewer.state, seen.closed]).toEqual(["attached", undefined]);
  });
});

describe("a shell that had ended before its viewer came back", () => {
  it("gives it the rest, also where this server never knew it or has forgotten it", () => {
    const { link: seen } = add({ resume: { stream: 5, outputOffset: 2 }, create: false });
    attached({ stream: 5, resumed: true, outputOffset: 5 });
    const end = { ...ended, stream: 5 };
    sayEnded(end);
    const frame = encodeDataFrame({ type: FRAME.OUTPUT, stream: 5, attachment: 1, offset: 2 }, Buffer.from("cde"));
    held.onAgentFrame(frame);
    expect(seen.text).toBe("cde");
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 3" });
    expect(told).toEqual(["joined main"]);
  });

  it("is not told to have ended again when its agent restarts", () => {
    watching();
    sayEnded();
    held.linkDown(link);
    held.linkUp(new RecordingAgentLink("again"), "boot-two" as BootId, []);
    expect(told).toEqual(["ended main", "ended split-a", "left main"]);
  });
});

describe("an agent with more shells than can be", () => {
  const MAX_SHELLS = MAX_SESSIONS_PER_AGENT + MAX_ENDED_SESSIONS_PER_AGENT;
  const start = (stream: number) =>
    held.onAgentControl({ $case: "sessionStarted", value: { ...split, stream, sessionId: `split-${stream}` } });

  it("has those beyond the bound left out, and attaches to them refused", () => {
    for (let stream = 100; stream < 200; stream++) start(stream);
    expect(held.sessions.size).toBe(MAX_SHELLS);
    expect(told).toHaveLength(MAX_SHELLS - 2);
    const { link: seen } = add();
    attached({ stream: 199 });
    expect(seen.closed).toMatchObject({ code: 1011 });
  });

  it("has the oldest that has ended make way, whose viewers are told how it did", () => {
    const { link: seen } = watching();
    sayEnded();
    for (let stream = 100; stream < 98 + MAX_SHELLS; stream++) start(stream);
    expect(seen.closed).toBeUndefined();
    start(300);
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 3" });
    expect(held.sessions.size).toBe(MAX_SHELLS);
    expect(running()).toContain("split-300");
  });

  it("may say so in its hello, too", () => {
    const sessions = Array.from({ length: 200 }, (_, at) => ({ ...split, stream: at + 1, sessionId: `split-${at}` }));
    held.linkDown(link);
    held.linkUp(link, "boot-two" as BootId, sessions);
    expect(held.sessions.size).toBe(MAX_SHELLS);
  });
});
