// An agent with its shells and viewers, through attaches, cuts and strangers' answers.
import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer, RecordingAgentLink, type RecordingViewerLink } from "../../../../test/support/terminal-links.ts";
import { type ControlOf, encodeControl } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../../protocol/data-frame.ts";
import type { AgentId, BootId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { AGENT_REQUEST_TIMEOUT_MS, MAX_INPUT_QUEUE_BYTES, MAX_VIEWERS_PER_SESSION } from "../../../protocol/limits.ts";
import type { Agent } from "../agents/agent.ts";
import { HeldAgent } from "./held-agent.ts";
import type { RouteEvents } from "./routes.ts";
import type { Viewer, ViewerOpen } from "./viewer.ts";

const BOOT = "boot-one" as BootId;
const STREAM = 7;
const started = { stream: STREAM, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };

let clock: ManualClock;
let link: RecordingAgentLink;
let held: HeldAgent;
let sessions: string[];
let attachments: number;
beforeEach(() => {
  clock = manualClock();
  link = new RecordingAgentLink();
  sessions = [];
  attachments = 0;
  const agent = { id: randomUUID() as AgentId, userId: "owner" as UserId } as Agent;
  held = new HeldAgent(
    agent,
    {
      onSession: (_held, change, { id }) => sessions.push(`${change} ${id}`),
      onViewer: (_held, change, { open }) => sessions.push(`${change} ${open.sessionId}`),
    },
    clock,
  );
  held.linkUp(link, BOOT, [started]);
});

function add(fields: Partial<ViewerOpen> = {}): { viewer: Viewer; link: RecordingViewerLink } {
  const made = aViewer(fields);
  held.addViewer(made.viewer);
  return made;
}

/** The agent's answer to the last attach. */
function attached(fields: Partial<ControlOf<"attached">> = {}, from = link): void {
  const { requestId, sessionId, cols, rows } = from.of("attach").at(-1)!;
  const answer = { requestId, attachment: ++attachments, stream: STREAM, sessionId, cols, rows };
  const value = { ...answer, resumed: false, inputOffset: 0, outputOffset: 0, ...fields };
  held.onAgentControl({ $case: "attached", value });
}

function attach(fields: Partial<ViewerOpen> = {}): { viewer: Viewer; link: RecordingViewerLink } {
  const made = add(fields);
  attached();
  held.onAgentControl({
    $case: "snapshot",
    value: {
      stream: STREAM,
      attachment: made.viewer.attachment,
      offset: 0,
      cols: 80,
      rows: 24,
      data: new Uint8Array(),
    },
  });
  return made;
}

function input(viewer: Viewer, text: string, header: { offset?: number; attachment?: number; stream?: number } = {}) {
  const { attachment, stream } = viewer;
  const frame = encodeDataFrame({ type: FRAME.INPUT, attachment, stream, offset: 0, ...header }, Buffer.from(text));
  return held.onViewerFrame(viewer, frame);
}

const notices = (viewer: RecordingViewerLink) => viewer.of("error").map(({ reason }) => reason);

describe("a viewer that comes", () => {
  it("is opened once the agent has put it on its shell, and gets its screen", () => {
    const { viewer, link: seen } = add();
    expect(seen.controls).toEqual([]);
    expect(link.of("attach")).toEqual([expect.objectContaining({ sessionId: "main", create: true, resumeStream: 0 })]);
    attached();
    expect(seen.of("opened")).toEqual([expect.objectContaining({ stream: STREAM, attachment: 1, resumed: false })]);
    expect(link.of("replay")).toEqual([expect.objectContaining({ attachment: viewer.attachment, from: undefined })]);
  });

  it("and has changed its window meanwhile has the new size told", () => {
    const { viewer } = add();
    held.onViewerResize(viewer, { cols: 99, rows: 33 });
    expect(link.of("resize")).toEqual([]);
    attached();
    expect(link.of("resize")).toEqual([{ attachment: 1, cols: 99, rows: 33 }]);
  });

  it("types nothing before it is attached, and nothing for another's attachment", () => {
    const { viewer, link: seen } = add();
    expect(input(viewer, "early", { attachment: 1, stream: STREAM })).toBe("ok");
    attached();
    const other = attach();
    input(viewer, "stolen", { attachment: other.viewer.attachment });
    input(viewer, "lost", { stream: STREAM + 1 });
    expect(notices(seen)).toEqual(["NOT_AUTHORIZED", "NOT_AUTHORIZED"]);
    expect(link.text).toBe("");
    input(viewer, "mine");
    expect(link.text).toBe("mine");
  });

  it("and only watches types nothing, and its window counts for nothing", () => {
    const { viewer, link: seen } = attach({ readOnly: true });
    input(viewer, "typed");
    held.onViewerResize(viewer, { cols: 1, rows: 1 });
    expect(notices(seen)).toEqual(["NOT_AUTHORIZED"]);
    expect(link.text).toBe("");
    expect(link.of("resize")).toEqual([]);
  });

  it("has what it types counted, and not what is refused", () => {
    const { viewer } = attach();
    const watcher = attach({ readOnly: true });
    input(viewer, "typed");
    input(viewer, "on", { offset: 5 });
    input(viewer, "lost", { stream: STREAM + 1 });
    input(watcher.viewer, "refused");
    expect(held.sessions.get(STREAM)).toMatchObject({ inputBytes: 7, lastInputAtMs: clock.now() });
  });

  it("may have a bounded amount of input unacknowledged", () => {
    const { viewer } = attach();
    expect(input(viewer, "x", { offset: MAX_INPUT_QUEUE_BYTES })).toBe("too_much_input");
    held.onAgentFrame(
      encodeDataFrame({ type: FRAME.INPUT_ACK, stream: STREAM, attachment: viewer.attachment, offset: 1000 }),
    );
    expect(input(viewer, "x", { offset: MAX_INPUT_QUEUE_BYTES })).toBe("ok");
  });

  it("is refused where the agent refuses, or says nothing for 10 s", () => {
    const refused = add();
    const { requestId } = link.of("attach").at(-1)!;
    held.onAgentControl({
      $case: "attachRefused",
      value: { requestId, reason: "SESSION_NOT_FOUND", ended: undefined },
    });
    expect(refused.link.closed).toEqual({ code: 4404, reason: "session not found" });
    const odd = add();
    const next = link.of("attach").at(-1)!.requestId;
    held.onAgentControl({ $case: "attachRefused", value: { requestId: next, reason: "__proto__", ended: undefined } });
    expect(odd.link.closed).toMatchObject({ code: 1011 });
    const silent = add();
    clock.advance(AGENT_REQUEST_TIMEOUT_MS - 1);
    held.expire(clock.monotonicMs());
    expect(silent.link.closed).toBeUndefined();
    clock.advance(1);
    held.expire(clock.monotonicMs());
    expect(silent.link.closed).toEqual({ code: 1013, reason: "agent reconnecting" });
    attached();
    expect(link.of("detach")).toEqual([expect.objectContaining({ linger: true })]);
  });

  it("is told how a shell has ended that it comes back to", () => {
    const { link: seen } = add({ resume: { stream: 3, outputOffset: 0 } });
    const { requestId } = link.of("attach").at(-1)!;
    const ended = { stream: 3, sessionId: "main", endOffset: 9, exitCode: 2, reason: "exited" };
    held.onAgentControl({ $case: "attachRefused", value: { requestId, reason: "SESSION_NOT_FOUND", ended } });
    expect(seen.of("sessionEnded")).toEqual([ended]);
    expect(seen.closed).toEqual({ code: 4420, reason: "exit 2" });
  });

  it("is one of a bounded number", () => {
    for (let i = 0; i < MAX_VIEWERS_PER_SESSION; i++) add();
    expect(add().link.closed).toEqual({ code: 4429, reason: "too many sessions on this agent" });
  });

  it("back before its old connection was known to be dead takes its place", () => {
    const old = attach();
    const back = add({ key: old.viewer.open.key, resume: { stream: STREAM, outputOffset: 0 } });
    attached({ attachment: old.viewer.attachment, resumed: true, inputOffset: 4 });
    expect(old.link.closed).toEqual({ code: 1000, reason: "resumed elsewhere" });
    expect(back.link.of("opened")).toEqual([expect.objectContaining({ resumed: true, inputOffset: 4 })]);
    held.removeViewer(old.viewer, true);
    expect(link.of("detach")).toEqual([]);
    input(back.viewer, "more", { offset: 4 });
    expect(link.text).toBe("more");
  });

  it("back while its old connection closes stays attached: the agent would take the detach for the newcomer's", () => {
    const old = attach();
    const back = add({ key: old.viewer.open.key, resume: { stream: STREAM, outputOffset: 0 } });
    held.removeViewer(old.viewer, true);
    attached({ attachment: old.viewer.attachment, resumed: true });
    expect(link.of("detach")).toEqual([]);
    held.removeViewer(back.viewer, false);
    expect(link.of("detach")).toEqual([{ attachment: old.viewer.attachment, linger: false }]);
  });

  it("back thrice in haste is attached by its last connection alone, and not detached by the others", () => {
    const key = attach().viewer.open.key;
    const hasty = [add({ key }), add({ key })];
    held.removeViewer(hasty[0]!.viewer, true);
    const [, first, second] = link.of("attach").map(({ requestId }) => requestId);
    for (const requestId of [first, second]) attached({ requestId: requestId!, attachment: 1, resumed: true });
    expect(link.of("detach")).toEqual([]);
    expect(hasty[1]!.viewer.state).toBe("attached");
  });

  it("is detached at last where it does not come back after all", () => {
    for (const end of ["refused", "another"] as const) {
      const old = attach();
      const { attachment } = old.viewer;
      add({ key: old.viewer.open.key });
      held.removeViewer(old.viewer, true);
      const { requestId } = link.of("attach").at(-1)!;
      if (end === "another") attached({ attachment: 99 });
      else held.onAgentControl({ $case: "attachRefused", value: { requestId, reason: "INTERNAL", ended: undefined } });
      expect(link.of("detach").at(-1)).toEqual({ attachment, linger: true });
    }
  });

  it("is not detached by another instance's viewer that goes, nor by that instance's end, while it comes back", () => {
    const { key, userId } = aViewer().viewer.open;
    const value = { ...aViewer({ key, userId }).viewer.askToAttach(1), resumeStream: STREAM };
    const other = (): Record<"sent", Uint8Array[]> & RouteEvents => {
      const sent: Uint8Array[] = [];
      const fields = { peer: "other" as InstanceId, path: "redis", isFull: false } as const;
      return { sent, ...held.openRelays().add({ ...fields, send: (frame) => void sent.push(frame), close: () => {} }) };
    };
    const [one, two, three] = [other(), other(), other()];
    const attach = encodeControl({ $case: "attach", value });
    one.onFrame(attach);
    attached({ attachment: 5 });
    two.onFrame(attach);
    one.onFrame(encodeControl({ $case: "detach", value: { attachment: 5, linger: true } }));
    attached({ attachment: 5, resumed: true });
    three.onFrame(attach);
    two.onEnd();
    attached({ attachment: 5, resumed: true });
    expect(link.of("detach")).toEqual([]);
    three.onEnd();
    expect(link.of("detach")).toEqual([{ attachment: 5, linger: true }]);
  });

  it("and goes is detached, to linger where it may come back", () => {
    const [one, two] = [attach(), attach()];
    held.removeViewer(one.viewer, true);
    held.removeViewer(two.viewer, false);
    held.removeViewer(two.viewer, false);
    expect(link.of("detach")).toEqual([
      { attachment: one.viewer.attachment, linger: true },
      { attachment: two.viewer.attachment, linger: false },
    ]);
  });
});

describe("an agent that loses its connection", () => {
  it("has its viewers told, and goes on with each where it was", () => {
    const { viewer, link: seen } = attach();
    held.onAgentFrame(
      encodeDataFrame({ type: FRAME.OUTPUT, stream: STREAM, attachment: 0, offset: 0 }, Buffer.from("abc")),
    );
    expect(held.linkDown(link)).toBe(true);
    input(viewer, "typed into nothing");
    const again = new RecordingAgentLink("again");
    held.linkUp(again, BOOT, [{ ...started, offset: 5 }]);
    expect(again.of("attach")).toEqual([expect.objectContaining({ resumeStream: STREAM, create: false })]);
    attached({ attachment: 1, resumed: true, outputOffset: 5 }, again);
    expect(seen.of("agentState").map(({ state }) => state)).toEqual([3, 1]);
    expect(again.of("replay")).toEqual([expect.objectContaining({ from: 3 })]);
    expect(seen.closed).toBeUndefined();
    expect(link.text + again.text).toBe("");
  });

  it("and comes back has its input counted on; but from 0 once another instance has held it", () => {
    const { viewer } = attach();
    const bytesTyped = () => held.sessions.get(STREAM)?.inputBytes;
    const back = (via: { via?: InstanceId }): void => {
      held.linkDown(held.link!);
      const next = Object.assign(new RecordingAgentLink("next"), via);
      held.linkUp(next, BOOT, [started]);
      attached({ attachment: 1, resumed: true }, next);
    };
    input(viewer, "12345");
    back({});
    input(viewer, "678", { offset: 5 });
    expect(bytesTyped()).toBe(8);
    back({ via: "another" as InstanceId });
    input(viewer, "counted there", { offset: 8 });
    back({});
    input(viewer, "9", { offset: 21 });
    expect(bytesTyped()).toBe(1);
  });

  it("does not lose a new one when the old one ends late", () => {
    const again = new RecordingAgentLink("again");
    held.linkDown(link);
    held.linkUp(again, BOOT, [started]);
    expect(held.linkDown(link)).toBe(false);
    expect(held.link).toBe(again);
  });

  it("and comes back as another process has none of its shells: viewers of them are told so", () => {
    const there = attach();
    const waiting = add();
    held.linkDown(link);
    const again = new RecordingAgentLink("again");
    held.linkUp(again, "boot-two" as BootId, []);
    expect(notices(there.link)).toEqual(["SESSION_NOT_FOUND"]);
    expect(there.link.closed).toEqual({ code: 4420, reason: "agent restarted" });
    expect(sessions).toEqual(["opened main", "joined main", "ended main", "left main"]);
    expect(again.of("attach")).toHaveLength(1);
    expect(waiting.link.closed).toBeUndefined();
  });
});

describe("an agent's word", () => {
  it("about a snapshot or gap reaches the viewer that it is for, and nobody else", () => {
    const [one, two] = [attach(), attach()];
    const gap = { stream: STREAM, attachment: one.viewer.attachment, from: 0, to: 4 };
    held.onAgentControl({ $case: "gap", value: gap });
    held.onAgentControl({ $case: "gap", value: { ...gap, attachment: 99 } });
    expect([one.link.of("gap").length, two.link.of("gap").length]).toEqual([1, 0]);
  });

  it("about a replay on another shell than the viewer's is dropped", () => {
    const { viewer, link: seen } = attach();
    held.onAgentControl({ $case: "sessionStarted", value: { ...started, stream: 8, sessionId: "split-a" } });
    const header = { type: FRAME.OUTPUT, attachment: viewer.attachment, offset: 0 };
    held.onAgentFrame(encodeDataFrame({ ...header, stream: 8 }, Buffer.from("of the split")));
    expect(seen.text).toBe("");
    held.onAgentFrame(encodeDataFrame({ ...header, stream: STREAM }, Buffer.from("of main")));
    expect(seen.text).toBe("of main");
  });

  it("about sessions that can't be is dropped", () => {
    for (const bad of [{ stream: 0 }, { sessionId: "nonsense" }, { sessionId: "split-\u0007" }])
      held.onAgentControl({ $case: "sessionStarted", value: { ...started, stream: 9, ...bad } });
    expect(sessions).toEqual(["opened main"]);
  });

  it("about a shell's end is told once, and the shell is forgotten with its last viewer", () => {
    const { viewer } = attach();
    const ended = { stream: STREAM, sessionId: "main", endOffset: 0, exitCode: 0, reason: "exited" };
    held.onAgentControl({ $case: "sessionEnded", value: ended });
    held.onAgentControl({ $case: "sessionEnded", value: ended });
    expect(sessions).toEqual(["opened main", "joined main", "ended main"]);
    expect(held.sessions.size).toBe(1);
    held.removeViewer(viewer, false);
    expect(sessions.at(-1)).toBe("left main");
    expect(held.sessions.size).toBe(0);
  });

  it("about statistics reaches every viewer", () => {
    const [one, two] = [attach(), attach()];
    held.onAgentControl({
      $case: "stats",
      value: {
        measuredAt: new Date(0),
        cpuPercent: 1,
        memoryUsedBytes: undefined,
        memoryTotalBytes: undefined,
        diskUsedBytes: undefined,
        diskTotalBytes: undefined,
      },
    });
    expect([one.link.of("stats").length, two.link.of("stats").length]).toEqual([1, 1]);
  });
});
