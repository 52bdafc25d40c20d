import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type ControlCase,
  type ControlMessage,
  type ControlOf,
  decodeControl,
  encodeControl,
} from "../protocol/control-frame.ts";
import { type DataHeader, encodeDataFrame, FRAME, frameBytes, readHeader } from "../protocol/data-frame.ts";
import {
  MAX_SESSIONS_PER_AGENT,
  MAX_VIEWERS_PER_SESSION,
  OUTPUT_WINDOW_BYTES,
  RESUME_GRACE_MS,
  SCROLLBACK_RING_BYTES,
  SPLIT_IDLE_MS,
} from "../protocol/limits.ts";
import { ExecRunner } from "./exec.ts";
import { FileRoots } from "./files/file-roots.ts";
import { Link } from "./link.ts";
import { loginShell } from "./login-shell.ts";
import { echoPtys } from "./pty/echo-pty.ts";
import { Terminals } from "./terminals.ts";

const ignore = () => {};
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** A few turns of the event loop, in which the screen takes in what has come. */
async function yieldToScreen(): Promise<void> {
  for (let i = 0; i < 30; i++) await nextTurn();
}

/** One link with the server's end in a test's hands. */
class FakeLink {
  readonly link: Link;
  controls: ControlMessage[] = [];
  data: { header: DataHeader; text: string }[] = [];
  bufferedAmount = 0;
  #requests = 0;

  constructor(terminals: Terminals, command: ReturnType<typeof loginShell>) {
    this.link = new Link({ socket: this, terminals, exec: new ExecRunner(command), logger, onWelcome: ignore });
  }

  send(frame: Uint8Array, onWritten: () => void): void {
    if (frame[0] === FRAME.CONTROL) this.controls.push(decodeControl(frame, "agent")!);
    else this.data.push({ header: readHeader(frame), text: Buffer.from(frameBytes(frame)).toString("latin1") });
    queueMicrotask(onWritten);
  }

  terminate(): void {
    this.link.close();
  }

  say(message: ControlMessage): void {
    this.link.receive(encodeControl(message));
  }

  all<C extends ControlCase>($case: C): ControlOf<C>[] {
    return this.controls.filter((message) => message.$case === $case).map(({ value }) => value as ControlOf<C>);
  }

  attach(key: number, more: Partial<ControlOf<"attach">> = {}): ControlOf<"attached"> {
    this.tryAttach(key, more);
    const last = this.controls.findLast(({ $case }) => $case === "attached" || $case === "attachRefused")!;
    if (last.$case !== "attached") throw new Error(JSON.stringify(last.value));
    return last.value;
  }

  tryAttach(key: number, more: Partial<ControlOf<"attach">> = {}): ControlMessage {
    const attachmentKey = Buffer.alloc(16);
    attachmentKey.writeUInt32BE(key);
    const base = {
      userId: "u1",
      sessionId: "main",
      create: true,
      resumeStream: 0,
      cols: 80,
      rows: 24,
      readOnly: false,
      program: undefined,
    };
    this.say({ $case: "attach", value: { requestId: ++this.#requests, attachmentKey, ...base, ...more } });
    return this.controls.findLast(({ $case }) => $case === "attached" || $case === "attachRefused")!;
  }

  frame(type: DataHeader["type"], to: { stream: number; attachment: number }, offset: number, text = ""): void {
    this.link.receive(
      encodeDataFrame({ type, stream: to.stream, attachment: to.attachment, offset }, Buffer.from(text)),
    );
  }

  /** Output so far, broadcast or sent to one. */
  output(attachment = 0): string {
    return this.data
      .filter(({ header }) => header.type === FRAME.OUTPUT && header.attachment === attachment)
      .map(({ text }) => text)
      .join("");
  }
}

let ptys: ReturnType<typeof echoPtys>;
let terminals: Terminals;
const command = loginShell({ PATH: "/usr/bin:/bin" }, "/bin/sh");
let server: FakeLink;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  ptys = echoPtys();
  terminals = new Terminals({ files: new FileRoots("/", ["/"]), startPty: ptys.factory, command, logger });
  server = new FakeLink(terminals, command);
});

afterEach(async () => {
  for (const pty of ptys.started) pty.exit(0);
  await terminals.stopAll("test over");
  server.link.close();
  vi.useRealTimers();
});

describe("attaching", () => {
  test("says that a session has started before it says who is on it", () => {
    server.attach(1, { cols: 100, rows: 30 });
    expect(server.controls.map(({ $case }) => $case)).toEqual(["sessionStarted", "attached"]);
    expect(server.all("sessionStarted")[0]).toMatchObject({
      stream: 1,
      sessionId: "main",
      cols: 100,
      rows: 30,
      offset: 0,
    });
  });

  test("to an unknown session needs the word create, and a proper id", () => {
    const refusal = (more: Partial<ControlOf<"attach">>) => server.tryAttach(1, more);
    expect(refusal({ create: false })).toMatchObject({ value: { reason: "SESSION_NOT_FOUND" } });
    expect(refusal({ sessionId: "other" })).toMatchObject({ value: { reason: "INVALID_ARGUMENT" } });
    expect(refusal({ attachmentKey: Buffer.alloc(3) })).toMatchObject({ value: { reason: "INVALID_ARGUMENT" } });
    expect(refusal({ resumeStream: 9 })).toMatchObject({ value: { reason: "SESSION_NOT_FOUND" } });
    expect(ptys.started).toHaveLength(0);
  });

  test("a shell that can't be started is refused, and the reason said", () => {
    const broken = new FakeLink(
      new Terminals({
        files: new FileRoots("/", ["/"]),
        startPty: ptys.factory,
        command: { ...command, file: "/no/such/shell" },
        logger,
      }),
      command,
    );
    const answer = broken.tryAttach(1);
    expect(answer).toMatchObject({
      $case: "attachRefused",
      value: { reason: "INTERNAL", ended: { sessionId: "main" } },
    });
    expect(broken.all("attachRefused")[0]?.ended?.reason).toMatch(/^failed to start: .*no such file/i);
  });

  test("sessions and viewers have their bounds", () => {
    for (let i = 0; i < MAX_SESSIONS_PER_AGENT; i++) server.attach(i, { sessionId: `split-${i}` });
    expect(server.tryAttach(999)).toMatchObject({ value: { reason: "SESSION_LIMIT_REACHED" } });
    for (let i = 1; i < MAX_VIEWERS_PER_SESSION; i++) server.attach(1000 + i, { sessionId: "split-0" });
    expect(server.tryAttach(2000, { sessionId: "split-0" })).toMatchObject({
      value: { reason: "SESSION_LIMIT_REACHED" },
    });
  });

  test("a key goes on where it was, for its user and its session alone", () => {
    const first = server.attach(1);
    server.frame(FRAME.INPUT, first, 0, "abc");
    expect(server.attach(1)).toMatchObject({ resumed: true, attachment: first.attachment, inputOffset: 3 });
    expect(server.tryAttach(1, { userId: "u2" })).toMatchObject({ value: { reason: "NOT_AUTHORIZED" } });
    const other = server.attach(1, { sessionId: "split-x" });
    expect(other).toMatchObject({ resumed: false, inputOffset: 0 });
    expect(other.attachment).not.toBe(first.attachment);
  });
});

describe("output", () => {
  test("is broadcast once from the offset that each viewer was told", () => {
    const first = server.attach(1);
    ptys.started[0]!.emit("one ");
    const second = server.attach(2);
    ptys.started[0]!.emit("two");
    expect([first.outputOffset, second.outputOffset]).toEqual([0, 4]);
    expect(server.output()).toBe("one two");
  });

  test("stays at home while nobody looks, and can be fetched afterwards", () => {
    const first = server.attach(1);
    server.say({ $case: "detach", value: { attachment: first.attachment, linger: false } });
    ptys.started[0]!.emit("unseen");
    expect(server.data).toEqual([]);
    const second = server.attach(2);
    expect(second.outputOffset).toBe(6);
    server.say({ $case: "replay", value: { ...second, from: 2, maxBytes: 3, scrollbackLines: 0 } });
    expect(server.output(second.attachment)).toBe("see");
  });

  test("waits for the viewer at the window, and a false acknowledgement changes nothing", () => {
    const viewer = server.attach(1);
    const pty = ptys.started[0]!;
    pty.emit(Buffer.alloc(OUTPUT_WINDOW_BYTES));
    expect(pty.reading).toBe("paused");
    vi.advanceTimersByTime(10);
    server.frame(FRAME.OUTPUT_ACK, viewer, OUTPUT_WINDOW_BYTES + 1);
    expect(server.all("error")).toMatchObject([{ reason: "INVALID_ARGUMENT" }]);
    expect(pty.reading).toBe("paused");
    server.frame(FRAME.OUTPUT_ACK, viewer, OUTPUT_WINDOW_BYTES / 2);
    expect(pty.reading).toBe("on");
  });

  test("is held while the link is down, as far as the ring goes and no longer than the grace", async () => {
    server.attach(1);
    server.link.close();
    const pty = ptys.started[0]!;
    const piece = Buffer.alloc(64 * 1024, 0x61);
    for (let i = 0; i < 100 && pty.reading === "on"; i++) {
      pty.emit(piece);
      await yieldToScreen();
    }
    const held = SCROLLBACK_RING_BYTES - 256 * 1024;
    expect([...terminals.sessions][0]?.head).toBe(Math.ceil(held / piece.length) * piece.length);
    vi.advanceTimersByTime(RESUME_GRACE_MS - 100);
    expect(pty.reading).toBe("paused");
    vi.advanceTimersByTime(200);
    await vi.waitUntil(() => pty.reading === "on");
    server = new FakeLink(terminals, command);
    expect(server.attach(1)).toMatchObject({ resumed: false });
  });

  test("that was lost is said to be, and a screen drawn in its place", async () => {
    const viewer = server.attach(1);
    server.say({ $case: "detach", value: { attachment: viewer.attachment, linger: false } });
    const pty = ptys.started[0]!;
    for (let i = 0; i < 48; i++) {
      pty.emit(Buffer.alloc(64 * 1024 - 1, "x\r\n"));
      await yieldToScreen();
    }
    pty.emit("\x1b[2J\x1b[Hthe end");
    const late = server.attach(2);
    server.say({ $case: "replay", value: { ...late, from: 5, maxBytes: 100, scrollbackLines: 0 } });
    await vi.waitUntil(() => server.all("snapshot").length > 0);
    const [snapshot] = server.all("snapshot");
    expect(server.all("gap")).toEqual([{ stream: 1, attachment: late.attachment, from: 5, to: snapshot!.offset }]);
    expect(snapshot).toMatchObject({ attachment: late.attachment, cols: 80, rows: 24, offset: late.outputOffset });
    expect(Buffer.from(snapshot!.data).toString()).toContain("the end");
  });
});

describe("input", () => {
  test("is receipted once for a burst of keys, after their echo", () => {
    const viewer = server.attach(1);
    for (let i = 0; i < 5; i++) server.frame(FRAME.INPUT, viewer, i, "k");
    vi.advanceTimersByTime(50);
    const receipts = server.data.filter(({ header }) => header.type === FRAME.INPUT_ACK);
    expect(receipts.map(({ header }) => header.offset)).toEqual([5]);
  });

  test("beyond a gap is not typed, and the viewer told where it stands", () => {
    const viewer = server.attach(1);
    server.frame(FRAME.INPUT, viewer, 10, "k");
    vi.advanceTimersByTime(10);
    expect(server.data.map(({ header }) => [header.type, header.offset])).toEqual([[FRAME.INPUT_ACK, 0]]);
    expect(ptys.started[0]!.typed).toEqual([]);
  });

  test("of a watcher, a stranger, or one who is gone is typed nowhere", () => {
    const watcher = server.attach(1, { readOnly: true });
    const gone = server.attach(2);
    server.say({ $case: "detach", value: { attachment: gone.attachment, linger: true } });
    server.frame(FRAME.INPUT, watcher, 0, "w");
    server.frame(FRAME.INPUT, gone, 0, "g");
    server.frame(FRAME.INPUT, { stream: 1, attachment: 77 }, 0, "s");
    server.frame(FRAME.INPUT, { stream: 9, attachment: watcher.attachment }, 0, "s");
    expect(server.all("error").map(({ reason }) => reason)).toEqual(Array(4).fill("NOT_AUTHORIZED"));
    expect(ptys.started[0]!.typed).toEqual([]);
  });
});

describe("the size", () => {
  test("follows who types, is said in its place in the output, and is refused where it can't be", () => {
    const large = server.attach(1, { cols: 200, rows: 60 });
    const small = server.attach(2, { cols: 40, rows: 10 });
    const pty = ptys.started[0]!;
    expect(pty.size).toEqual({ cols: 200, rows: 60 });
    server.frame(FRAME.INPUT, small, 0, "k");
    expect(pty.size).toEqual({ cols: 40, rows: 10 });
    expect(server.all("resized")).toEqual([{ stream: 1, cols: 40, rows: 10, attachment: small.attachment }]);
    server.say({ $case: "resize", value: { attachment: large.attachment, cols: 100, rows: 50 } });
    expect(pty.size).toEqual({ cols: 40, rows: 10 });
    server.say({ $case: "resize", value: { attachment: small.attachment, cols: 1001, rows: 10 } });
    expect(server.all("error")).toMatchObject([{ reason: "INVALID_ARGUMENT" }]);
    server.say({ $case: "detach", value: { attachment: small.attachment, linger: true } });
    expect(pty.size).toEqual({ cols: 100, rows: 50 });
  });
});

describe("the end", () => {
  test("of a shell is said after its output, even to the server alone", () => {
    const viewer = server.attach(1);
    ptys.started[0]!.emit("bye");
    ptys.started[0]!.exit(3);
    expect(server.output()).toBe("bye");
    expect(server.controls.at(-1)).toMatchObject({
      $case: "sessionEnded",
      value: { endOffset: 3, exitCode: 3, reason: "exited" },
    });
    server.attach(2, { sessionId: "split-a" });
    server.say({ $case: "detach", value: { attachment: viewer.attachment + 1, linger: false } });
    ptys.started[1]!.exit(0);
    expect(server.all("sessionEnded").at(-1)).toMatchObject({ sessionId: "split-a" });
  });

  test("is known to those who come back within the grace, who read the rest", async () => {
    const viewer = server.attach(1);
    server.link.close();
    ptys.started[0]!.emit("the rest");
    ptys.started[0]!.exit(3);
    server = new FakeLink(terminals, command);
    const again = server.attach(1, { resumeStream: 1 });
    expect(again).toMatchObject({ resumed: true, attachment: viewer.attachment, outputOffset: 8 });
    expect(server.controls.at(-1)).toMatchObject({ $case: "sessionEnded", value: { endOffset: 8 } });
    server.say({ $case: "replay", value: { ...again, from: 0, maxBytes: 100, scrollbackLines: 0 } });
    expect(server.output(again.attachment)).toBe("the rest");
    vi.advanceTimersByTime(RESUME_GRACE_MS + 10);
    expect(server.tryAttach(1, { resumeStream: 1 })).toMatchObject({
      $case: "attachRefused",
      value: { reason: "SESSION_NOT_FOUND", ended: { stream: 1, exitCode: 3 } },
    });
  });

  test("comes to a split shell that nobody returns to, and not to main", async () => {
    const split = server.attach(1, { sessionId: "split-a" });
    const main = server.attach(2);
    for (const { attachment } of [split, main]) server.say({ $case: "detach", value: { attachment, linger: true } });
    await vi.advanceTimersByTimeAsync(RESUME_GRACE_MS + SPLIT_IDLE_MS - 1000);
    expect(ptys.started[0]!.signals).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(ptys.started[0]!.signals).toEqual(["SIGHUP"]);
    expect(server.all("sessionEnded")).toMatchObject([{ sessionId: "split-a", reason: "idle" }]);
    expect(ptys.started[1]!.signals).toEqual([]);
  });

  test("of a shell that ignores SIGHUP is SIGKILL, after two seconds", async () => {
    server.attach(1);
    const pty = ptys.started[0]!;
    pty.onSignal = (name) => {
      if (name === "SIGKILL") pty.exit(137);
    };
    server.say({ $case: "stopSession", value: { sessionId: "" } });
    await vi.advanceTimersByTimeAsync(1900);
    expect(pty.signals).not.toContain("SIGKILL");
    await vi.advanceTimersByTimeAsync(500);
    expect(server.all("sessionEnded")).toMatchObject([{ exitCode: 137, reason: "stopped" }]);
  });
});

test("frames that make no sense are refused without harm", () => {
  const viewer = server.attach(1);
  expect(() => server.link.receive(Buffer.from([0x55, 1, 2]))).toThrow("no data frame");
  expect(() => server.link.receive(Buffer.from([FRAME.CONTROL, 0xff, 0xff]))).toThrow("not Protobuf");
  server.frame(FRAME.OUTPUT, viewer, 0, "from a server?");
  server.say({ $case: "sessionEnded", value: { stream: 1, sessionId: "main", endOffset: 0, exitCode: 0, reason: "" } });
  expect(server.all("error").map(({ reason }) => reason)).toEqual(["UNKNOWN_MESSAGE_TYPE", "UNKNOWN_MESSAGE_TYPE"]);
  ptys.started[0]!.emit("still here");
  expect(server.output()).toBe("still here");
});
