// Frames that can't be read, or not now, on every kind of socket: each has its exact close code.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import { Strangers } from "./strangers.ts";

let strangers: Strangers;
beforeAll(async () => {
  strangers = await Strangers.start();
});
afterEach(() => strangers.leave());
afterAll(() => strangers.close());

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

const PEERS = {
  "v2 viewer": () => strangers.viewer(),
  "v2 agent": () => strangers.agent(),
  "v1 user": () => strangers.v1User(),
  "v1 agent": () => strangers.v1Agent(),
};

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

describe.each(Object.entries({ "v1 user": PEERS["v1 user"], "v1 agent": PEERS["v1 agent"] }))(
  "a %s",
  (name, connect) => {
    it("that sends no JSON is closed with 1007", async () => {
      for (const text of ["", "{", '{"type":', "nonsense", '{"type":"input","data":"x"}x']) {
        const { wire } = await connect();
        wire.socket.send(text);
        expect(await wire.closed).toMatchObject({ code: 1007, reason: "not JSON" });
        if (name === "v1 agent") continue;
        expect(strangers.v1Shell.typed("main").length).toBe(0);
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
  },
);

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
  ["viewer before open", () => strangers.viewerSocket()],
  ["viewer", () => strangers.viewer()],
  ["agent before hello", () => strangers.agentSocket()],
  ["agent", () => strangers.agent()],
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
