// One shell and its viewers: who gets which bytes, who paces it, how it ends.
import { beforeEach, describe, expect, it } from "vitest";
import { aViewer, RecordingAgentLink, type RecordingViewerLink } from "../../../../test/support/terminal-links.ts";
import { encodeDataFrame, FRAME, readHeader } from "../../../protocol/data-frame.ts";
import { MAIN_SESSION } from "../../../protocol/ids.ts";
import { VIEWER_WINDOW_BYTES } from "../../../protocol/limits.ts";
import { ShellSession } from "./shell-session.ts";
import type { Viewer, ViewerOpen } from "./viewer.ts";

const STREAM = 5;

let agent: RecordingAgentLink;
let session: ShellSession;
beforeEach(() => {
  agent = new RecordingAgentLink();
  session = new ShellSession({
    stream: STREAM,
    id: MAIN_SESSION,
    cols: 80,
    rows: 24,
    offset: 0,
    startedAt: new Date(0),
  });
});

let attachments = 0;

/** A viewer that has been shown everything before `at`. */
function join(at = session.head, fields: Partial<ViewerOpen> = {}): { viewer: Viewer; link: RecordingViewerLink } {
  const made = aViewer(fields);
  made.viewer.onAttached({ attachment: ++attachments, stream: STREAM, resumed: false, inputOffset: 0 });
  made.viewer.flow.onSnapshot(at);
  session.viewers.add(made.viewer);
  return made;
}

function broadcast(text: string, offset = session.head): void {
  const frame = encodeDataFrame({ type: FRAME.OUTPUT, stream: STREAM, attachment: 0, offset }, Buffer.from(text));
  session.onBroadcast(readHeader(frame), frame, agent);
}

function replay(viewer: Viewer, text: string, offset: number): void {
  const header = { type: FRAME.OUTPUT, stream: STREAM, attachment: viewer.attachment, offset };
  const frame = encodeDataFrame(header, Buffer.from(text));
  session.onReplayed(header, frame, viewer, agent);
}

function acknowledge(viewer: Viewer, offset: number): "ok" | "future" {
  const header = { type: FRAME.OUTPUT_ACK, stream: STREAM, attachment: viewer.attachment, offset };
  return session.onViewerAck(viewer, header, encodeDataFrame(header), agent);
}

const ended = { stream: STREAM, sessionId: "main", endOffset: 5, exitCode: 3, reason: "exited" };

describe("a shell's output", () => {
  it("goes to every viewer once, in order", () => {
    const [one, two] = [join(), join()];
    broadcast("hello ");
    broadcast("world");
    broadcast("lo ", 3);
    expect([one.link.text, two.link.text]).toEqual(["hello world", "hello world"]);
    expect(session.head).toBe(11);
  });

  it("is asked for again where a viewer lacks some of it, and nobody else gets that twice", () => {
    const there = join();
    broadcast("0123456789");
    const late = join(4);
    broadcast("ab");
    expect(late.link.text).toBe("");
    expect(agent.of("replay")).toEqual([expect.objectContaining({ attachment: late.viewer.attachment, from: 4 })]);
    replay(late.viewer, "456789ab", 4);
    expect(late.link.text).toBe("456789ab");
    expect(there.link.text).toBe("0123456789ab");
  });

  it("is not forwarded past a slow viewer's window, and the slow one slows nobody", () => {
    const [slow, fast] = [join(), join()];
    const piece = "x".repeat(32 * 1024);
    for (let sent = 0; sent < 2 * VIEWER_WINDOW_BYTES; sent += piece.length) {
      broadcast(piece);
      acknowledge(fast.viewer, session.head);
    }
    expect(fast.link.text).toHaveLength(2 * VIEWER_WINDOW_BYTES);
    expect(slow.link.text).toHaveLength(VIEWER_WINDOW_BYTES);
    expect(agent.of("replay")).toEqual([]);
    acknowledge(slow.viewer, VIEWER_WINDOW_BYTES);
    expect(agent.of("replay")).toEqual([
      expect.objectContaining({ attachment: slow.viewer.attachment, from: VIEWER_WINDOW_BYTES }),
    ]);
  });
});

describe("acknowledgements", () => {
  it("reach the agent from the fastest viewer only", () => {
    const [one, two] = [join(), join()];
    broadcast("0123456789");
    acknowledge(one.viewer, 4);
    acknowledge(two.viewer, 3);
    acknowledge(two.viewer, 8);
    acknowledge(one.viewer, 6);
    expect(agent.frames.map(({ header }) => [header.attachment, header.offset])).toEqual([
      [one.viewer.attachment, 4],
      [two.viewer.attachment, 8],
    ]);
  });

  it("of what was never sent are told apart, and change nothing", () => {
    const { viewer } = join();
    broadcast("abc");
    expect(acknowledge(viewer, 4)).toBe("future");
    expect(acknowledge(viewer, 3)).toBe("ok");
    expect(agent.frames).toHaveLength(1);
  });

  it("are a recorder's where it is slower than who looks, a person's where that is slower, and its own when it is alone", () => {
    const { viewer: person } = join();
    const { viewer: recorder } = join(0, { recorder: { from: 0 } });
    broadcast("0123456789");
    const told = () => agent.frames.map(({ header: { attachment, offset } }) => [attachment, offset]);
    acknowledge(person, 4);
    expect(told()).toEqual([]);
    acknowledge(recorder, 3);
    expect(told()).toEqual([[recorder.attachment, 3]]);
    acknowledge(recorder, 9);
    expect(told().at(-1)).toEqual([person.attachment, 4]);
    acknowledge(person, 10);
    expect(told().at(-1)).toEqual([recorder.attachment, 9]);
    session.remove(person, agent);
    expect(told().at(-1)).toEqual([recorder.attachment, 9]);
    acknowledge(recorder, 10);
    expect(told().at(-1)).toEqual([recorder.attachment, 10]);
  });

  it("of the fastest that stays are told again when the fastest leaves", () => {
    const [fast, slow] = [join(), join()];
    broadcast("0123456789");
    acknowledge(fast.viewer, 10);
    acknowledge(slow.viewer, 2);
    session.remove(fast.viewer, agent);
    expect(agent.frames.at(-1)?.header).toMatchObject({ attachment: slow.viewer.attachment, offset: 2 });
    acknowledge(slow.viewer, 5);
    expect(agent.frames.at(-1)?.header).toMatchObject({ attachment: slow.viewer.attachment, offset: 5 });
  });
});

describe("a shell that has ended", () => {
  it("tells each viewer after its last byte, with the exit code", () => {
    const [there, behind] = [join(), join()];
    broadcast("01234");
    behind.viewer.flow.onSnapshot(2);
    session.end(ended, agent, 0);
    expect(there.link.of("sessionEnded")).toEqual([ended]);
    expect(there.link.closed).toEqual({ code: 4420, reason: "exit 3" });
    expect(behind.link.closed).toBeUndefined();
    replay(behind.viewer, "234", 2);
    expect(behind.link.text).toBe("01234234");
    expect(behind.link.closed).toEqual({ code: 4420, reason: "exit 3" });
  });

  it("fetches what it said last, also where the end overtook it", () => {
    const { viewer, link } = join();
    session.end(ended, agent, 0);
    expect(agent.of("replay")).toEqual([expect.objectContaining({ from: 0 })]);
    replay(viewer, "01234", 0);
    expect(link.text).toBe("01234");
    expect(link.closed).toEqual({ code: 4420, reason: "exit 3" });
  });

  it("waits 30 s for who does not fetch the rest", () => {
    const { link } = join();
    session.end(ended, agent, 1_000);
    session.expire(30_999);
    expect(link.closed).toBeUndefined();
    session.expire(31_000);
    expect(link.of("sessionEnded")).toEqual([ended]);
    expect(link.closed).toEqual({ code: 4420, reason: "exit 3" });
  });

  it("ends once: what is said again changes nothing", () => {
    const { link } = join();
    broadcast("01234");
    session.end(ended, agent, 0);
    session.end({ ...ended, exitCode: 9 }, agent, 0);
    expect(link.of("sessionEnded")).toEqual([ended]);
  });
});
