// Control frames of strangers, strictly.
import { describe, expect, it } from "vitest";
import { encodeControl } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, FrameError } from "../../../protocol/data-frame.ts";
import { MAX_CONTROL_BYTES, MAX_DATA_BYTES } from "../../../protocol/limits.ts";
import { isOversized } from "./frame-checks.ts";
import { readControl } from "./read-control.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("a stranger's control frame", () => {
  it("is read as it was written, its texts and bytes too", () => {
    const open = {
      sessionId: "split-a",
      newSession: false,
      readOnly: true,
      cols: 80,
      rows: 24,
      scrollbackLines: 5,
      attachmentKey: hex("000102030405060708090a0b0c0d0e0f"),
      stream: 3,
      outputOffset: 2 ** 40,
      program: undefined,
    };
    const message = readControl(encodeControl({ $case: "open", value: open }), "viewer");
    expect(message?.$case).toBe("open");
    expect({ ...(message?.value as object), attachmentKey: undefined }).toEqual({ ...open, attachmentKey: undefined });
    const exec = { $case: "exec", value: { execId: "x1", command: "\ufeffé" } } as const;
    expect(readControl(encodeControl(exec), "viewer")).toEqual(exec);
  });

  it("of the wrong sender, or unknown, is no message", () => {
    expect(readControl(encodeControl({ $case: "stopSession", value: { sessionId: "" } }), "viewer")).toBeUndefined();
    expect(readControl(hex("10 82 7d 00"), "viewer")).toBeUndefined();
    expect(readControl(hex("10"), "agent")).toBeUndefined();
  });

  it.each([
    ["with invalid UTF-8", "10 ca 01 04 12 02 c3 28"],
    ["with a surrogate as UTF-8", "10 ca 01 05 12 03 ed a0 80"],
    ["that ends a group", "10 0c"],
    ["with field 0", "10 00 00"],
    ["that is cut", "10 ca 01 04 12"],
    ["with half a tag", "10 ca"],
  ])("%s is refused", (_what, frame) => {
    expect(() => readControl(hex(frame), "viewer")).toThrow(FrameError);
  });
});

describe("a stranger's frame", () => {
  it("is too large beyond its kind's limit", () => {
    const data = (bytes: number) =>
      encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 1, offset: 0 }, new Uint8Array(bytes));
    expect(isOversized(data(MAX_DATA_BYTES))).toBe(false);
    expect(isOversized(data(MAX_DATA_BYTES + 1))).toBe(true);
    expect(isOversized(new Uint8Array(MAX_CONTROL_BYTES).fill(FRAME.CONTROL))).toBe(false);
    expect(isOversized(new Uint8Array(MAX_CONTROL_BYTES + 1).fill(FRAME.CONTROL))).toBe(true);
    expect(isOversized(new Uint8Array(0))).toBe(false);
  });
});
