// A v1 agent made to look like a v2 one, message by message.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeBridgeLink } from "../../../../../test/support/fake-bridge-link.ts";
import type { ControlOf } from "../../../../protocol/control-frame.ts";
import { type DataHeader, encodeDataFrame, FRAME } from "../../../../protocol/data-frame.ts";
import {
  AGENT_REQUEST_TIMEOUT_MS,
  MAX_SESSIONS_PER_AGENT,
  RESUME_GRACE_MS,
  SPLIT_IDLE_MS,
} from "../../../../protocol/limits.ts";
import { AgentBridge } from "./agent-bridge.ts";

let bridge: AgentBridge;
let link: FakeBridgeLink;
beforeEach(() => {
  vi.useFakeTimers();
  bridge = new AgentBridge({ clock: { now: Date.now, monotonicMs: Date.now }, firstNumber: 100 });
  link = new FakeBridgeLink();
  bridge.linkUp(link);
});
afterEach(() => {
  bridge.dispose();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

let requests = 0;

function attach(fields: Partial<ControlOf<"attach">> & { keyByte?: number } = {}): number {
  const { keyByte = ++requests % 256, ...rest } = fields;
  const requestId = ++requests;
  const attachmentKey = new Uint8Array(16).fill(keyByte);
  const size = { cols: 80, rows: 24 };
  const value = { requestId, attachmentKey, userId: "user", sessionId: "main", create: true, resumeStream: 0, ...size };
  bridge.onControl({ $case: "attach", value: { ...value, readOnly: false, program: undefined, ...rest } });
  return requestId;
}

const started = (session = "main") => bridge.onMessage({ type: "shell_started", data: { session_id: session } });
const stopped = (session = "main") => bridge.onMessage({ type: "shell_stopped", data: { session_id: session } });
const output = (text: string, session = "main") =>
  bridge.onMessage({
    type: "shell_output",
    data: { session_id: session, data: Buffer.from(text).toString("base64") },
  });
const lastAttached = () => link.of("attached").at(-1)!;

function type(text: string, at: Pick<DataHeader, "stream" | "attachment" | "offset">): void {
  bridge.onFrame(encodeDataFrame({ type: FRAME.INPUT, ...at }, Buffer.from(text)));
}

function attached(fields: Parameters<typeof attach>[0] = {}): ControlOf<"attached"> {
  attach(fields);
  if (link.of("attached").at(-1)?.requestId !== requests) started(fields.sessionId ?? "main");
  return lastAttached();
}

describe("attaching to a v1 agent", () => {
  it("starts the shell, and waits until the agent says that it runs", () => {
    const first = attach();
    const second = attach();
    expect(link.sent).toEqual([{ type: "shell_start", data: { session_id: "main", new_session: false } }]);
    expect(link.controls).toEqual([]);
    started();
    expect(link.of("sessionStarted")).toEqual([expect.objectContaining({ sessionId: "main", offset: 0 })]);
    expect(link.of("attached").map(({ requestId }) => requestId)).toEqual([first, second]);
    attach();
    expect(link.of("attached")).toHaveLength(3);
    expect(link.sentOf("shell_start")).toHaveLength(1);
  });

  it("is refused where the agent can't start it, or says nothing for 10 s", () => {
    attach();
    bridge.onMessage({ type: "shell_error", data: { session_id: "main", error: "no\u001b[2J shell" } });
    const ended = { exitCode: 1, reason: "failed to start: no[2J shell" };
    expect(link.of("attachRefused")).toEqual([
      expect.objectContaining({ ended: expect.objectContaining(ended) as unknown }),
    ]);
    expect(link.of("sessionEnded")).toEqual([]);
    attach();
    vi.advanceTimersByTime(AGENT_REQUEST_TIMEOUT_MS);
    expect(link.of("attachRefused").at(-1)).toMatchObject({ reason: "AGENT_RECONNECTING" });
    attach();
    expect(link.sentOf("shell_start")).toHaveLength(3);
  });

  it("is refused for a split that is not there, for watchers of nothing, and for what can't be", () => {
    attach({ sessionId: "split-a", create: false });
    attach({ readOnly: true });
    attach({ sessionId: "split-a", readOnly: true });
    attach({ sessionId: "nonsense" });
    attach({ attachmentKey: new Uint8Array(3) });
    const reasons = link.of("attachRefused").map(({ reason }) => reason);
    expect(reasons.slice(0, 3)).toEqual(["SESSION_NOT_FOUND", "SESSION_NOT_FOUND", "SESSION_NOT_FOUND"]);
    expect(reasons.slice(3)).toEqual(["INVALID_ARGUMENT", "INVALID_ARGUMENT"]);
    expect(link.sent).toEqual([]);
  });

  it("is refused to another user with a viewer's key", () => {
    const mine = attached({ keyByte: 7 });
    attach({ keyByte: 7, userId: "somebody else" });
    expect(link.of("attachRefused")).toEqual([expect.objectContaining({ reason: "NOT_AUTHORIZED" })]);
    attach({ keyByte: 7, resumeStream: mine.stream });
    expect(lastAttached()).toMatchObject({ attachment: mine.attachment, resumed: true });
  });

  it("is bounded in the number of shells", () => {
    for (let i = 0; i < MAX_SESSIONS_PER_AGENT; i++) attached({ sessionId: `split-${i}` });
    attach({ sessionId: "split-more" });
    expect(link.of("attachRefused")).toEqual([expect.objectContaining({ reason: "SESSION_LIMIT_REACHED" })]);
  });

  it("learns of a shell that runs from before the server knew", () => {
    output("hi", "split-old");
    expect(link.of("sessionStarted")).toEqual([expect.objectContaining({ sessionId: "split-old" })]);
    attach({ sessionId: "split-old", create: false });
    expect(lastAttached()).toMatchObject({ sessionId: "split-old", outputOffset: 2 });
    output("hi", "../etc");
    output("hi", "");
    expect(link.of("sessionStarted")).toHaveLength(1);
  });
});

describe("input for a v1 agent", () => {
  it("is typed once, and acknowledged when the kernel has it", () => {
    const at = attached();
    link.flowing = false;
    type("abc", { ...at, offset: 0 });
    type("bcd", { ...at, offset: 1 });
    type("ab", { ...at, offset: 0 });
    type("beyond", { ...at, offset: 9 });
    expect(link.typed).toBe("abcd");
    expect(link.frames).toEqual([]);
    for (const written of link.unwritten) written();
    expect(link.frames.map(({ header }) => [header.type, header.attachment, header.offset])).toEqual([
      [FRAME.INPUT_ACK, at.attachment, 3],
      [FRAME.INPUT_ACK, at.attachment, 4],
    ]);
  });

  it("reaches no shell that has ended or is told to stop: a v1 agent would type it into main", () => {
    const at = attached({ sessionId: "split-a" });
    stopped("split-a");
    type("x", { ...at, offset: 0 });
    const other = attached({ sessionId: "split-b" });
    bridge.onControl({ $case: "stopSession", value: { sessionId: "split-b" } });
    type("x", { ...other, offset: 0 });
    bridge.onControl({ $case: "resize", value: { attachment: other.attachment, cols: 5, rows: 5 } });
    expect(link.typed).toBe("");
    expect(link.sentOf("shell_resize").filter((data) => data!["cols"] === 5)).toEqual([]);
    attach({ sessionId: "split-b" });
    expect(link.of("attachRefused").at(-1)).toMatchObject({ reason: "AGENT_RECONNECTING" });
    stopped("split-b");
    attach({ sessionId: "split-b" });
    expect(link.sentOf("shell_start").at(-1)).toEqual({ session_id: "split-b", new_session: true });
  });

  it("is nobody's where its attachment or stream is unknown", () => {
    const at = attached();
    type("x", { ...at, attachment: 1, offset: 0 });
    type("x", { ...at, stream: 1, offset: 0 });
    expect(link.typed).toBe("");
  });
});

describe("output of a v1 agent", () => {
  it("gets offsets, and can be asked for again", () => {
    const at = attached();
    output("hello ");
    output("world");
    expect(link.frames.map(({ header, text }) => [header.offset, text])).toEqual([
      [0, "hello "],
      [6, "world"],
    ]);
    const replay = { stream: at.stream, attachment: at.attachment, maxBytes: 100, scrollbackLines: 0 };
    bridge.onControl({ $case: "replay", value: { ...replay, from: 4 } });
    expect(link.frames.at(-1)).toMatchObject({ header: { attachment: at.attachment, offset: 4 }, text: "o world" });
    bridge.onControl({ $case: "replay", value: { ...replay, from: undefined } });
    const [snapshot] = link.of("snapshot");
    expect(snapshot).toMatchObject({ offset: 11, attachment: at.attachment });
    expect(Buffer.from(snapshot!.data).toString()).toBe("\u001bchello world");
  });

  it("that the ring has lost is told as a gap, with the recent output after it", () => {
    const at = attached();
    const line = `${"x".repeat(1023)}\n`;
    for (let i = 0; i < 3 * 1024; i++) output(line);
    const replay = { stream: at.stream, attachment: at.attachment, maxBytes: 100, scrollbackLines: 0 };
    bridge.onControl({ $case: "replay", value: { ...replay, from: 0 } });
    expect(link.of("gap")).toEqual([expect.objectContaining({ from: 0, to: 3 * 1024 * 1024 })]);
    const [snapshot] = link.of("snapshot");
    expect(snapshot!.offset).toBe(3 * 1024 * 1024);
    expect(Buffer.from(snapshot!.data).toString().startsWith("\u001bcxxx")).toBe(true);
  });

  it("that nobody acknowledges makes the agent wait, and nobody there makes it wait for nothing", () => {
    const at = attached();
    output("x".repeat(1024 * 1024 + 1));
    expect(bridge.isBehind).toBe(true);
    bridge.onFrame(encodeDataFrame({ ...at, type: FRAME.OUTPUT_ACK, offset: 1024 * 1024 }));
    expect(bridge.isBehind).toBe(false);
    output("x".repeat(1024 * 1024));
    expect(bridge.isBehind).toBe(true);
    bridge.onControl({ $case: "detach", value: { attachment: at.attachment, linger: true } });
    expect(bridge.isBehind).toBe(false);
  });
});

describe("a v1 shell", () => {
  it("that is a split ends a while after its last viewer, main does not", () => {
    const [main, split] = [attached(), attached({ sessionId: "split-a" })];
    for (const { attachment } of [main, split])
      bridge.onControl({ $case: "detach", value: { attachment, linger: true } });
    vi.advanceTimersByTime(SPLIT_IDLE_MS - 1);
    expect(link.sentOf("shell_stop_session")).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(link.sentOf("shell_stop_session")).toEqual([{ session_id: "split-a" }]);
    expect(link.of("sessionEnded")).toEqual([]);
    // An agent that has no such shell says nothing.
    vi.advanceTimersByTime(AGENT_REQUEST_TIMEOUT_MS);
    expect(link.of("sessionEnded")).toEqual([expect.objectContaining({ sessionId: "split-a", reason: "stopped" })]);
  });

  it("goes on for a viewer that comes back in time", () => {
    const at = attached({ sessionId: "split-a", keyByte: 9 });
    bridge.onControl({ $case: "detach", value: { attachment: at.attachment, linger: true } });
    vi.advanceTimersByTime(RESUME_GRACE_MS - 1);
    attach({ sessionId: "split-a", keyByte: 9, create: false, resumeStream: at.stream });
    expect(lastAttached()).toMatchObject({ attachment: at.attachment, resumed: true });
    vi.advanceTimersByTime(2 * SPLIT_IDLE_MS);
    expect(link.sentOf("shell_stop_session")).toEqual([]);
  });

  it("forgets viewers that did not come back", () => {
    const at = attached({ keyByte: 9 });
    bridge.onControl({ $case: "detach", value: { attachment: at.attachment, linger: true } });
    vi.advanceTimersByTime(RESUME_GRACE_MS + 1);
    const again = attached({ keyByte: 9, resumeStream: at.stream });
    expect(again).toMatchObject({ resumed: false });
    expect(again.attachment).not.toBe(at.attachment);
  });
});

describe("a v1 agent that has reconnected", () => {
  it("is asked for its shells again, and types what the old connection had not taken", () => {
    const at = attached({ keyByte: 9 });
    output("before");
    type("one ", { ...at, offset: 0 });
    link.flowing = false;
    type("two", { ...at, offset: 4 });
    const old = link;
    link = new FakeBridgeLink();
    expect(bridge.describeSessions()).toEqual([expect.objectContaining({ stream: at.stream, offset: 6 })]);
    bridge.linkUp(link);
    expect(bridge.isLinkedTo(old)).toBe(false);
    for (const written of old.unwritten) written();
    attach({ keyByte: 9, create: false, resumeStream: at.stream });
    expect(link.sentOf("shell_start")).toEqual([{ session_id: "main", new_session: false }]);
    type("early", { ...at, offset: 4 });
    started();
    expect(lastAttached()).toMatchObject({ attachment: at.attachment, resumed: true, inputOffset: 4, outputOffset: 6 });
    expect(link.of("gap")).toEqual([expect.objectContaining({ from: 6, to: 6 })]);
    expect(Buffer.from(link.of("snapshot")[0]!.data).toString()).toBe("\u001bcbefore");
    type("two", { ...at, offset: 4 });
    expect(link.typed).toBe("two");
    expect(old.frames.filter(({ header }) => header.type === FRAME.INPUT_ACK)).toHaveLength(1);
  });

  it("waits for no viewer of the old connection, and stops splits that nobody comes back to", () => {
    attached({ sessionId: "split-a" });
    output("x".repeat(1024 * 1024 + 1), "split-a");
    expect(bridge.isBehind).toBe(true);
    link = new FakeBridgeLink();
    bridge.linkUp(link);
    expect(bridge.isBehind).toBe(false);
    vi.advanceTimersByTime(SPLIT_IDLE_MS);
    expect(link.sentOf("shell_stop_session")).toEqual([{ session_id: "split-a" }]);
  });
});

describe("exec on a v1 agent", () => {
  const exec = (execId: string, command: string) => bridge.onControl({ $case: "exec", value: { execId, command } });
  const result = (command: string, text: string) =>
    bridge.onMessage({ type: "exec_result", data: { command, output: text, success: true, error: undefined } });

  it("gives each result to who asked, the oldest first where two asked the same", () => {
    exec("x1", "id");
    exec("x2", "ls");
    exec("x3", "id");
    expect(link.sentOf("exec")).toEqual([{ command: "id" }, { command: "ls" }, { command: "id" }]);
    result("ls", "b");
    result("id", "a");
    result("id", "c");
    result("id", "nobody's");
    result("rm", "nobody's");
    expect(link.of("execResult").map(({ execId, output: text }) => [execId, text])).toEqual([
      ["x2", "b"],
      ["x1", "a"],
      ["x3", "c"],
    ]);
  });
});
