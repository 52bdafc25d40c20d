// The bytes of control frames, and who may send which.
import { describe, expect, it } from "vitest";
import { Control } from "../gen/rexec/stream/v1/control.ts";
import {
  CONTROL_SENDERS,
  type ControlCase,
  type ControlMessage,
  decodeControl,
  encodeControl,
  type Sender,
} from "./control-frame.ts";
import { FRAME, FrameError } from "./data-frame.ts";
import { MAX_CONTROL_BYTES } from "./limits.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const CASES = Object.keys(CONTROL_SENDERS) as ControlCase[];
const SENDERS: readonly Sender[] = ["agent", "server", "viewer"];

function emptyControl($case: ControlCase): ControlMessage {
  const { message } = Control.fromPartial({ message: { $case, value: {} } as never });
  if (!message) throw new Error(`no message ${$case}`);
  return message;
}

describe("a control frame", () => {
  it("is the type byte and the message", () => {
    const resize = { $case: "resize", value: { attachment: 7, cols: 80, rows: 24 } } as const;
    // Field 30, length 6: attachment 7, cols 80, rows 24.
    const bytes = hex("10 f2 01 06 08 07 10 50 18 18");
    expect(Buffer.from(encodeControl(resize)).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
    expect(decodeControl(bytes, "viewer")).toEqual(resize);
  });

  it("carries texts as UTF-8 and offsets beyond 32 bits", () => {
    const ended = {
      $case: "sessionEnded",
      value: { stream: 1, sessionId: "main", endOffset: 2 ** 40, exitCode: 130, reason: "böse" },
    } as const;
    const bytes = hex("10 6a 19 08 01 12 04 6d61696e 18 808080808020 20 8201 2a 05 62c3b67365");
    expect(Buffer.from(encodeControl(ended)).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
    expect(decodeControl(bytes, "agent")).toEqual(ended);
  });

  it.each([
    ["of another type", "01 f2 01 00"],
    ["that is cut", "10 f2 01 06 08 07 10"],
    ["that is cut in its length", "10 f2 01 ff"],
    ["with an offset over 2^53 - 1", "10 6a 0a 18 ff ff ff ff ff ff ff ff 7f"],
    ["with an endless varint", "10 f2 01 0c 08 ff ff ff ff ff ff ff ff ff ff ff"],
  ])("is refused where it is one %s", (_what, frame) => {
    expect(() => decodeControl(hex(frame), "server")).toThrow(FrameError);
  });

  it("is refused where it is larger than the limit, and taken where it is as large", () => {
    // Field 13 with a reason that fills the frame.
    const frameOf = (size: number) => {
      const reason = "x".repeat(size);
      return encodeControl({ $case: "sessionEnded", value: { ...ENDED, reason } });
    };
    const overhead = frameOf(MAX_CONTROL_BYTES).length - MAX_CONTROL_BYTES;
    expect(decodeControl(frameOf(MAX_CONTROL_BYTES - overhead), "agent")?.$case).toBe("sessionEnded");
    expect(() => decodeControl(frameOf(MAX_CONTROL_BYTES - overhead + 1), "agent")).toThrow(FrameError);
  });

  it("of a newer peer is no message, and none at all is none", () => {
    expect(decodeControl(hex("10 82 7d 00"), "server")).toBeUndefined();
    expect(decodeControl(hex("10"), "server")).toBeUndefined();
  });
});

const ENDED = { stream: 1, sessionId: "main", endOffset: 0, exitCode: 0, reason: "" };

describe("the table of senders", () => {
  it("has a row for every message of the proto", () => {
    const decoded = new Set<string>();
    for (let field = 1; field <= 60; field++) {
      const tag = (field << 3) | 2;
      const bytes = tag < 128 ? [tag, 0] : [(tag & 0x7f) | 0x80, tag >> 7, 0];
      const { message } = Control.decode(Uint8Array.from(bytes));
      if (message) decoded.add(message.$case);
    }
    expect([...decoded].sort()).toEqual([...CASES].sort());
  });

  it.each(CASES)("lets through %s of who may send it, and of nobody else", ($case) => {
    const frame = encodeControl(emptyControl($case));
    expect(frame[0]).toBe(FRAME.CONTROL);
    const allowed: readonly Sender[] = CONTROL_SENDERS[$case];
    expect(allowed.length).toBeGreaterThan(0);
    for (const sender of SENDERS)
      expect(decodeControl(frame, sender)?.$case).toBe(allowed.includes(sender) ? $case : undefined);
  });

  it("keeps what decides about a shell or a viewer from viewers", () => {
    const ofViewers = CASES.filter(($case) => (CONTROL_SENDERS[$case] as readonly Sender[]).includes("viewer"));
    expect(ofViewers.sort()).toEqual(["exec", "open", "resize"]);
  });
});
