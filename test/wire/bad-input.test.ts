// What no honest peer sends, on real sockets: each has its exact answer, changes nothing, and reaches no shell.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { startAgent } from "../../src/agent/agent.ts";
import { CONTROL_SENDERS, type ControlCase, type ControlMessage } from "../../src/protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { Control } from "../../src/gen/rexec/stream/v1/control.ts";
import { plainShell } from "../agent/agent-under-test.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

let server: TestServer;
/** Takes attaches and writes down what is typed: nothing of all this must show there. */
let shell: V2Agent;
let v1Shell: V1Agent;
beforeAll(async () => {
  server = await startTestServer();
  shell = await V2Agent.connect(server);
  v1Shell = await V1Agent.dial(server, await server.registerAgent());
});
afterAll(() => server.close());

const open: WireSocket[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) wire.socket.terminate();
  // Whatever a test has sent: the server is up, and others' terminals go on.
  const viewer = await V2Viewer.open(server.wsUrl, shell.agentId, { token: server.adminToken });
  const mark = `mark-${Math.random()}`;
  await viewer.type(mark);
  await shell.isTyped(mark);
  await viewer.wire.close();
  expect(shell.typed.replaceAll(/mark-[\d.e-]+/g, "")).toBe("");
});

const keep = <T extends { wire: WireSocket }>(peer: T): T => {
  open.push(peer.wire);
  return peer;
};
const viewerSocket = async () => keep(await V2Viewer.dial(server.wsUrl, shell.agentId, { token: server.adminToken }));
const viewer = async (options: { readOnly?: boolean } = {}) =>
  keep(await V2Viewer.open(server.wsUrl, shell.agentId, { token: server.adminToken, ...options }));
const agentSocket = async () => keep(await V2Agent.dial(server, await server.registerAgent()));
const agent = async () => keep(await V2Agent.connect(server));
const v1User = async () => {
  const url = `${server.wsUrl}/ws/agent/${v1Shell.agentId}/terminal`;
  const wire = await WireSocket.dial(url, { token: server.adminToken });
  open.push(wire);
  await wire.jsonOf("shell_started");
  return { wire };
};
const v1Agent = async () => keep(await V1Agent.dial(server, await server.registerAgent()));

const PEERS = { "v2 viewer": viewer, "v2 agent": agent, "v1 user": v1User, "v1 agent": v1Agent };
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe.each(Object.entries(PEERS))("a %s", (_name, connect) => {
  it("that sends invalid UTF-8 as text is closed with 1007", async () => {
    const { wire } = await connect();
    wire.socket.send(hex("22 c3 28 22"), { binary: false });
    expect(await wire.closed).toMatchObject({ code: 1007 });
  });

  it("that sends more than 2 MiB in one message is closed with 1009", async () => {
    const { wire } = await connect();
    wire.socket.send(Buffer.alloc(2 * 1024 * 1024 + 1, 0x20), { binary: false });
    expect(await wire.closed).toMatchObject({ code: 1009 });
  });

  it("that sends a message in too many fragments is closed with 1008", async () => {
    const { wire } = await connect();
    for (let i = 0; i < 70; i++) wire.socket.send("x", { fin: false });
    expect(await wire.closed).toMatchObject({ code: 1008 });
  });
});

describe.each(Object.entries({ "v1 user": v1User, "v1 agent": v1Agent }))("a %s", (name, connect) => {
  it("that sends no JSON is closed with 1007", async () => {
    for (const text of ["", "{", '{"type":', "nonsense", '{"type":"input","data":"x"}x']) {
      const { wire } = await connect();
      wire.socket.send(text);
      expect(await wire.closed).toMatchObject({ code: 1007, reason: "not JSON" });
      if (name === "v1 agent") continue;
      expect(v1Shell.typed("main").length).toBe(0);
    }
  });

  it("that sends unknown messages is told nine times and closed with 1003 at the tenth", async () => {
    const { wire } = await connect();
    const unknown = [
      '{"type":"dance"}',
      "{}",
      "null",
      "[]",
      "42",
      '"input"',
      '{"type":5}',
      '{"type":"exec"}',
      '{"data":"x"}',
    ];
    for (const text of unknown) wire.socket.send(text);
    const notice = await wire.jsonOf("error", 9);
    expect(notice.data).toMatchObject({ message: "unknown message type" });
    await wire.settled();
    wire.json({ type: "__proto__" });
    expect(await wire.closed).toMatchObject({ code: 1003 });
  });
});

describe("a v1 user", () => {
  it("that is read-only types, runs and starts nothing", async () => {
    const ticket = await readTicket(v1Shell.agentId);
    const writer = await v1User();
    const url = `${server.wsUrl}/ws/agent/${v1Shell.agentId}/terminal`;
    const watcher = await WireSocket.dial(url, { token: ticket });
    open.push(watcher);
    await watcher.jsonOf("shell_started");
    watcher.json({ type: "input", data: "typed" });
    watcher.socket.send(Buffer.from("typed"));
    watcher.json({ type: "exec", data: { command: "typed" } });
    watcher.json({ type: "resize", cols: 44, rows: 11 });
    const notice = await watcher.jsonOf("error", 3);
    expect(notice.data).toEqual({ reason: "NOT_AUTHORIZED", message: "not authorized" });
    await watcher.settled();
    await v1Shell.wire.settled();
    expect(v1Shell.typed("main").length).toBe(0);
    expect(v1Shell.sent("exec")).toEqual([]);
    expect(v1Shell.sent("shell_resize")).not.toContainEqual({ session_id: "main", cols: 44, rows: 11 });
    v1Shell.output("main", "look");
    await watcher.sees("look");
    await writer.wire.close();
  });

  it("with an id that can't be is refused with 4400", async () => {
    for (const id of ["%00", "a/b", "a%20b", "x".repeat(81), "%F0%9F%92%A9"]) {
      const url = `${server.wsUrl}/ws/agent/${v1Shell.agentId}/terminal?newSession=true&id=${id}`;
      const wire = await WireSocket.dial(url, { token: server.adminToken });
      expect(await wire.closed).toMatchObject({ code: 4400 });
    }
    expect(v1Shell.sent<{ session_id: string }>("shell_start").every(({ session_id }) => session_id === "main")).toBe(
      true,
    );
  });
});

const TOO_SHORT = [1, 2, 4, 5].map((type) => Buffer.from([type, ...Array.from({ length: 18 }, () => 0)]));
const GARBAGE: [string, Buffer][] = [
  ["an empty frame", Buffer.alloc(0)],
  ["one byte", hex("01")],
  ["19 bytes of output header", TOO_SHORT[0]!],
  ["19 bytes of input header", TOO_SHORT[1]!],
  ["19 bytes of acknowledgement", TOO_SHORT[2]!],
  ["an unknown data type", Buffer.concat([hex("05"), Buffer.alloc(40)])],
  ["type 0xff", Buffer.alloc(40, 0xff)],
  ["an offset over 2^53 - 1", Buffer.concat([hex("02 00 0000 00000001 00000001 0020000000000000"), Buffer.from("x")])],
  ["input without bytes", hex("02 00 0000 00000001 00000001 0000000000000000")],
  ["an acknowledgement with bytes", hex("03 00 0000 00000001 00000001 0000000000000000 78")],
  ["a control frame that is cut", hex("10 fa 01 20 0a")],
  ["a control frame with field 0", hex("10 00 00")],
  ["a control frame that ends a group", hex("10 0c")],
  ["a control frame with a wrong wire type", hex("10 fb 01 ff")],
  ["a control frame with invalid UTF-8", hex("10 fa 01 06 0a 04 6d 61 c3 28")],
  ["a control frame with an endless varint", hex("10 f0 01 ff ff ff ff ff ff ff ff ff ff ff ff")],
];

describe.each([
  ["viewer before open", viewerSocket],
  ["viewer", viewer],
  ["agent before hello", agentSocket],
  ["agent", agent],
] as const)("a v2 %s", (_name, connect) => {
  it.each(GARBAGE)("that sends %s is closed with 1007", async (_what, frame) => {
    const { wire } = await connect();
    wire.socket.send(frame);
    expect(await wire.closed).toMatchObject({ code: 1007 });
  });

  it("that sends frames larger than its kind may be is closed with 1009", async () => {
    const control = Buffer.alloc(1024 * 1024 + 1, 0x10);
    const data = encodeDataFrame(
      { type: _name.startsWith("viewer") ? FRAME.INPUT : FRAME.OUTPUT, stream: 1, attachment: 1, offset: 0 },
      new Uint8Array(32 * 1024 + 1),
    );
    for (const frame of [control, data]) {
      const { wire } = await connect();
      wire.socket.send(frame);
      expect(await wire.closed).toMatchObject({ code: 1009, reason: "frame too large" });
    }
  });

  it("that sends text or unknown fields is told nine times and closed with 1003 at the tenth", async () => {
    const { wire } = await connect();
    for (let i = 0; i < 5; i++) wire.socket.send("{}");
    // Field 2000: a newer peer's.
    for (let i = 0; i < 4; i++) wire.socket.send(hex("10 82 7d 00"));
    expect(await wire.controlOf("error", 9)).toEqual({
      reason: "UNKNOWN_MESSAGE_TYPE",
      message: "unknown message type",
    });
    await wire.settled();
    wire.socket.send(hex("10"));
    expect(await wire.closed).toMatchObject({ code: 1003 });
  });
});

/** A message of every type, with values that would do something if it were taken. */
const MESSAGES = Object.fromEntries(
  (Object.keys(CONTROL_SENDERS) as ControlCase[]).map(($case) => {
    const message = Control.fromPartial({ message: { $case, value: {} } as never }).message!;
    return [$case, message];
  }),
) as Record<ControlCase, ControlMessage>;

describe("control messages from the wrong sender", () => {
  for (const $case of Object.keys(CONTROL_SENDERS) as ControlCase[]) {
    const senders: readonly string[] = CONTROL_SENDERS[$case];
    if (!senders.includes("viewer")) {
      it(`${$case} of a viewer is an unknown message`, async () => {
        const { wire } = await viewer();
        for (let i = 0; i < 9; i++) wire.control(MESSAGES[$case]);
        expect(await wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
        wire.control(MESSAGES[$case]);
        expect(await wire.closed).toMatchObject({ code: 1003 });
      });
    }
    if (!senders.includes("agent")) {
      it(`${$case} of an agent is an unknown message`, async () => {
        const { wire } = await agent();
        for (let i = 0; i < 9; i++) wire.control(MESSAGES[$case]);
        expect(await wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
        wire.control(MESSAGES[$case]);
        expect(await wire.closed).toMatchObject({ code: 1003 });
      });
    }
  }

  it.each([FRAME.OUTPUT, FRAME.INPUT_ACK])("data of type %d of a viewer is an unknown message", async (type) => {
    const someone = await viewer();
    const bytes = type === FRAME.OUTPUT ? Buffer.from("x") : undefined;
    for (let i = 0; i < 9; i++) await someone.sendData({ type, offset: 0 }, bytes);
    expect(await someone.wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
    await someone.sendData({ type, offset: 0 }, bytes);
    expect(await someone.wire.closed).toMatchObject({ code: 1003 });
  });

  it.each([FRAME.INPUT, FRAME.OUTPUT_ACK])("data of type %d of an agent is an unknown message", async (type) => {
    const { wire } = await agent();
    const bytes = type === FRAME.INPUT ? Buffer.from("x") : undefined;
    const frame = encodeDataFrame({ type, stream: 1, attachment: 1, offset: 0 }, bytes);
    for (let i = 0; i < 10; i++) wire.socket.send(frame);
    expect(await wire.closed).toMatchObject({ code: 1003 });
  });
});

describe("a v2 viewer", () => {
  it("that sends anything but open first is closed with 1008", async () => {
    const first: Buffer[] = [
      Buffer.from(encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 1, offset: 0 }, Buffer.from("x"))),
      Buffer.from(encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream: 1, attachment: 1, offset: 0 })),
    ];
    for (const frame of first) {
      const { wire } = await viewerSocket();
      wire.socket.send(frame);
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "open first" });
    }
    for (const $case of ["resize", "exec"] as const) {
      const { wire } = await viewerSocket();
      wire.control(MESSAGES[$case]);
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "open first" });
    }
  });

  it("that opens twice is closed with 1008", async () => {
    const someone = await viewer();
    someone.sendOpen();
    expect(await someone.wire.closed).toMatchObject({ code: 1008, reason: "open twice" });
  });

  it("that says nothing for 10 s is closed with 1008, as is an agent", { timeout: 20_000 }, async () => {
    const [someone, box] = [await viewerSocket(), await agentSocket()];
    const [a, b] = await Promise.all([someone.wire.closed, box.wire.closed].map((closed) => slow(closed)));
    expect(a).toMatchObject({ code: 1008, reason: "no open" });
    expect(b).toMatchObject({ code: 1008, reason: "no hello" });
  });

  it("that acknowledges what it was never sent is closed with 4400", async () => {
    for (const offset of [1_000_000, Number.MAX_SAFE_INTEGER]) {
      const someone = await viewer();
      await someone.sendData({ type: FRAME.OUTPUT_ACK, offset });
      expect(await someone.wire.closed).toMatchObject({ code: 4400, reason: "acknowledgement from the future" });
    }
  });

  it("types nowhere for another's attachment, another shell or none", async () => {
    const [one, other] = [await viewer(), await viewer()];
    const theirs = await other.opened;
    const wrong = [
      { attachment: theirs.attachment },
      { attachment: 0 },
      { attachment: 0xffffffff },
      { stream: theirs.stream + 1 },
      { stream: 0 },
    ];
    for (const header of wrong) await one.sendData({ type: FRAME.INPUT, offset: 0, ...header }, Buffer.from("typed"));
    expect(await one.wire.controlOf("error", wrong.length)).toMatchObject({ reason: "NOT_AUTHORIZED" });
    await shell.wire.settled();
  });

  it("that is read-only types and runs nothing, and its window changes nothing", async () => {
    const someone = await viewer({ readOnly: true });
    expect((await someone.opened).readOnly).toBe(true);
    await someone.sendData({ type: FRAME.INPUT, offset: 0 }, Buffer.from("typed"));
    someone.wire.control({ $case: "exec", value: { execId: "", command: "typed" } });
    someone.wire.control({ $case: "resize", value: { attachment: 0, cols: 44, rows: 11 } });
    expect(await someone.wire.controlOf("error", 2)).toMatchObject({ reason: "NOT_AUTHORIZED" });
    await someone.wire.settled();
    await shell.wire.settled();
    expect(shell.controls("exec")).toEqual([]);
    expect(shell.controls("resize")).not.toContainEqual(expect.objectContaining({ cols: 44 }));
  });

  it("with a read ticket may not open a shell to write in", async () => {
    const token = await readTicket(shell.agentId);
    const someone = keep(await V2Viewer.dial(server.wsUrl, shell.agentId, { token }));
    someone.sendOpen({ readOnly: false });
    expect(await someone.wire.controlOf("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
    expect(await someone.wire.closed).toMatchObject({ code: 4403, reason: "not authorized" });
  });

  it("that asks for a session that is not there, or can't be, gets 4404 and no shell", async () => {
    const before = shell.attached.length;
    for (const sessionId of ["split-unknown", "Main", "main ", "split-", "../main", "split-a/b", "\u0000", ""]) {
      const someone = await viewerSocket();
      someone.sendOpen({ sessionId });
      await someone.wire.controlOf("error");
      expect(someone.notices).toEqual(["SESSION_NOT_FOUND"]);
      expect(await someone.wire.closed).toMatchObject({ code: 4404 });
    }
    expect(shell.attached.slice(before).map(({ sessionId, create }) => ({ sessionId, create }))).toEqual([
      { sessionId: "split-unknown", create: false },
    ]);
  });

  it("that only watches starts no shell", async () => {
    const box = await agent();
    for (const open of [{}, { newSession: true, sessionId: "" }]) {
      const someone = keep(await V2Viewer.dial(server.wsUrl, box.agentId, { token: server.adminToken }));
      someone.sendOpen({ readOnly: true, ...open });
      expect(await someone.wire.closed).toMatchObject({ code: 4404 });
    }
    expect(box.attached.map(({ create }) => create)).toEqual([false, false]);
  });

  it("that opens with sizes, keys or scrollback that can't be is refused with 4400", async () => {
    const before = shell.attached.length;
    const bad = [
      { cols: 0 },
      { rows: 0 },
      { cols: 1001 },
      { rows: 65_537 },
      { cols: 0xffff_ffff },
      { scrollbackLines: 10_001 },
      { attachmentKey: Buffer.from("short") },
    ];
    for (const open of bad) {
      const someone = await viewerSocket();
      someone.sendOpen(open);
      expect(await someone.wire.closed).toMatchObject({ code: 4400, reason: "invalid argument" });
    }
    expect(shell.attached).toHaveLength(before);
  });

  it("that floods unacknowledged input is closed with 1008", async () => {
    const someone = await viewer({ readOnly: false });
    await someone.sendData({ type: FRAME.INPUT, offset: 600 * 1024 }, Buffer.from("\u0000"));
    expect(await someone.wire.closed).toMatchObject({ code: 1008, reason: "too much unacknowledged input" });
  });

  it("that runs a command of 100 KB, or none, is told so and goes on", async () => {
    const someone = await viewer();
    for (const command of ["", "x".repeat(100_000)])
      someone.wire.control({ $case: "exec", value: { execId: "", command } });
    expect(await someone.wire.controlOf("error", 2)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    await shell.wire.settled();
    expect(shell.controls("exec")).toEqual([]);
  });
});

describe("an agent", () => {
  it("that sends anything but hello first is closed with 1008", async () => {
    const first: Buffer[] = [
      Buffer.from(encodeDataFrame({ type: FRAME.OUTPUT, stream: 1, attachment: 0, offset: 0 }, Buffer.from("x"))),
      Buffer.from(encodeDataFrame({ type: FRAME.INPUT_ACK, stream: 1, attachment: 1, offset: 0 })),
    ];
    for (const frame of first) {
      const { wire } = await agentSocket();
      wire.socket.send(frame);
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "hello first" });
    }
    const { wire } = await agentSocket();
    wire.control({ $case: "sessionStarted", value: { ...MESSAGES.sessionStarted.value } as never });
    expect(await wire.closed).toMatchObject({ code: 1008, reason: "hello first" });
  });

  it("that says hello twice is closed with 1008, and one with a bad boot id with 4400", async () => {
    const twice = await agent();
    twice.hello();
    expect(await twice.wire.closed).toMatchObject({ code: 1008, reason: "hello twice" });
    for (const bootId of ["", "short", "x".repeat(65), "with space in it"]) {
      const bad = await agentSocket();
      bad.hello({ bootId });
      expect(await bad.wire.closed).toMatchObject({ code: 4400, reason: "bad boot id" });
    }
  });

  it("that reports times and figures that can't be harms nobody", async () => {
    const box = await agent();
    const someone = keep(await V2Viewer.open(server.wsUrl, box.agentId, { token: server.adminToken }));
    const v1 = await WireSocket.dial(`${server.wsUrl}/ws/agent/${box.agentId}/terminal`, { token: server.adminToken });
    open.push(v1);
    await v1.jsonOf("shell_started");
    // stats { measured_at { seconds: 2^53 - 1 }, cpu_percent: NaN }
    box.wire.socket.send(
      hex("10 2a 14 0a 09 08 ff ff ff ff ff ff ff 0f 11 00 00 00 00 00 00 f8 7f".replace("14 0a", "14 0a")),
    );
    const stats = await someone.wire.controlOf("stats");
    expect(stats.cpuPercent).toBeUndefined();
    expect(Math.abs(stats.measuredAt!.getTime() - Date.now())).toBeLessThan(60_000);
    expect((await v1.jsonOf("stats")).data).toMatchObject({ cpu_percent: 0 });
  });

  it("that answers for requests, attachments and shells that nobody knows harms nobody", async () => {
    const box = await agent();
    for (const $case of [
      "attached",
      "attachRefused",
      "snapshot",
      "gap",
      "resized",
      "sessionEnded",
      "execResult",
      "error",
    ] as const)
      for (let i = 0; i < 20; i++) box.wire.control(MESSAGES[$case]);
    for (let i = 0; i < 20; i++) {
      const header = { stream: i, attachment: i, offset: i };
      box.wire.socket.send(encodeDataFrame({ type: FRAME.OUTPUT, ...header }, Buffer.from("x")));
      box.wire.socket.send(encodeDataFrame({ type: FRAME.INPUT_ACK, ...header }));
    }
    await box.wire.settled();
    const someone = keep(await V2Viewer.open(server.wsUrl, box.agentId, { token: server.adminToken }));
    box.output("hello");
    await someone.sees("hello");
  });
});

describe("a resize that can't be", () => {
  it("leaves a real terminal's size as it is", async () => {
    const { agentId, token } = await server.registerAgent();
    const real: RunningAgent = startAgent({
      servers: [server.wsUrl],
      agentId,
      token,
      logger: silentLogger,
      shell: plainShell(),
    });
    await new Promise<void>((resolve) => real.onState(({ kind }) => kind === "connected" && resolve()));
    const someone = keep(await V2Viewer.open(server.wsUrl, agentId, { token: server.adminToken }));
    const bad = [
      [0, 24],
      [80, 0],
      [-1, 24],
      [80, -1],
      [1001, 24],
      [80, 1001],
      [65_537, 24],
      [80, 65_537],
    ] as const;
    // As bytes: -1 is what a sloppy client makes of it, ten bytes of varint.
    for (const [cols, rows] of bad) someone.wire.socket.send(resizeFrame(cols, rows));
    expect(await someone.wire.controlOf("error", bad.length)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    await someone.type("stty size\r");
    await someone.sees("24 80\r\n");
    someone.wire.socket.send(resizeFrame(1000, 1000));
    expect(await someone.wire.controlOf("resized")).toMatchObject({ cols: 1000, rows: 1000 });
    await someone.type("stty size\r");
    await someone.sees("1000 1000\r\n");
    await real.stop("test over");
  });
});

function resizeFrame(cols: number, rows: number): Buffer {
  const body = [0x10, ...varint(cols), 0x18, ...varint(rows)];
  return Buffer.from([FRAME.CONTROL, 0xf2, 0x01, body.length, ...body]);
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** Opens main of the agent to watch, as OpenTerminal gives it out. */
async function readTicket(agentId: AgentId): Promise<string> {
  const { call } = await import("../support/test-server.ts");
  const request = { agentId, newSession: false, sessionId: "main", readOnly: true };
  return ((await call(server.sessions, "openTerminal", request, server.adminToken)) as { ticket: string }).ticket;
}

function slow<T>(promise: Promise<T>): Promise<T> {
  return promise;
}
