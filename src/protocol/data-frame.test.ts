// The bytes of data frames.
import { describe, expect, it } from "vitest";
import {
  type DataHeader,
  encodeDataFrame,
  FRAME,
  FrameError,
  frameBytes,
  HEADER_BYTES,
  readHeader,
  writeHeader,
} from "./data-frame.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const FRAMES: [string, DataHeader, string, string][] = [
  [
    "output for everybody",
    { type: FRAME.OUTPUT, stream: 1, attachment: 0, offset: 0 },
    "01 00 0000 00000001 00000000 0000000000000000",
    "68 69",
  ],
  [
    "input",
    { type: FRAME.INPUT, stream: 0x01020304, attachment: 0x0a0b0c0d, offset: 0x1_0000_0002 },
    "02 00 0000 01020304 0a0b0c0d 0000000100000002",
    "0d",
  ],
  [
    "an acknowledgement of output",
    { type: FRAME.OUTPUT_ACK, stream: 2, attachment: 3, offset: 65_536 },
    "03 00 0000 00000002 00000003 0000000000010000",
    "",
  ],
  [
    "an acknowledgement of input, with the largest numbers",
    { type: FRAME.INPUT_ACK, stream: 0xffff_ffff, attachment: 0xffff_ffff, offset: Number.MAX_SAFE_INTEGER },
    "04 00 0000 ffffffff ffffffff 001fffffffffffff",
    "",
  ],
];

describe("a data frame", () => {
  it.each(FRAMES)("is %s", (_what, header, head, bytes) => {
    const frame = encodeDataFrame(header, hex(bytes));
    expect(toHex(frame)).toBe(toHex(hex(head + bytes)));
    expect(readHeader(frame)).toEqual(header);
    expect(toHex(frameBytes(frame))).toBe(toHex(hex(bytes)));
  });

  it.each(FRAMES)("is read from the middle of a larger buffer: %s", (_what, header, head, bytes) => {
    const whole = hex(`ff ff ff ${head} ${bytes}`);
    expect(readHeader(whole.subarray(3))).toEqual(header);
    const target = new Uint8Array(HEADER_BYTES + 3).fill(0xff);
    writeHeader(target.subarray(3), header);
    expect(toHex(target)).toBe(toHex(hex(`ff ff ff ${head}`)));
  });

  it.each(FRAMES)("is refused where it is cut anywhere in its header: %s", (_what, _header, head) => {
    for (let length = 0; length < HEADER_BYTES; length++)
      expect(() => readHeader(hex(head).subarray(0, length))).toThrow(FrameError);
  });

  it("is read with its reserved fields ignored", () => {
    const header = readHeader(hex("01 ff ffff 00000001 00000002 0000000000000003 78"));
    expect(header).toEqual({ type: FRAME.OUTPUT, stream: 1, attachment: 2, offset: 3 });
  });

  it.each([
    ["of type 0", "00 00 0000 00000001 00000000 0000000000000000 78"],
    ["of type 5", "05 00 0000 00000001 00000000 0000000000000000 78"],
    ["of type 255", "ff 00 0000 00000001 00000000 0000000000000000 78"],
    ["of a control frame's type", "10 00 0000 00000001 00000000 0000000000000000 78"],
    ["at 2^53", "01 00 0000 00000001 00000000 0020000000000000 78"],
    ["at 2^64 - 1", "02 00 0000 00000001 00000001 ffffffffffffffff 78"],
    ["of output without bytes", "01 00 0000 00000001 00000000 0000000000000000"],
    ["of input without bytes", "02 00 0000 00000001 00000001 0000000000000000"],
    ["of an acknowledgement with bytes", "03 00 0000 00000001 00000001 0000000000000000 00"],
    ["of an input acknowledgement with bytes", "04 00 0000 00000001 00000001 0000000000000000 00"],
  ])("is refused where it is one %s", (_what, frame) => {
    expect(() => readHeader(hex(frame))).toThrow(FrameError);
  });

  it("shows its bytes without copying them", () => {
    const frame = encodeDataFrame({ type: FRAME.OUTPUT, stream: 1, attachment: 0, offset: 0 }, hex("01 02"));
    frameBytes(frame)[0] = 9;
    expect(frame[HEADER_BYTES]).toBe(9);
  });
});
