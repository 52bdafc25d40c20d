// What is accepted as an id.
import { describe, expect, it } from "vitest";
import {
  type AgentId,
  attachmentKeyFromBytes,
  attachmentKeyToBytes,
  parseBootId,
  parseSessionId,
  parseUuid,
  splitSessionId,
} from "./ids.ts";

describe("ids", () => {
  it("takes UUIDs in any case, and means the same by them", () => {
    expect(parseUuid<AgentId>("0A1B2C3D-0000-4000-8000-00000000000F")).toBe("0a1b2c3d-0000-4000-8000-00000000000f");
    for (const text of [
      "",
      "0a1b2c3d",
      " 0a1b2c3d-0000-4000-8000-00000000000f",
      "0a1b2c3d-0000-4000-8000-00000000000f\n",
    ])
      expect(parseUuid<AgentId>(text)).toBeUndefined();
  });

  it.each([
    "main",
    "split-a",
    "split-0a1b2c3d-0000-4000-8000-00000000000f",
    "split-A_z.9:-",
    `split-${"x".repeat(80)}`,
  ])("takes the session %s", (text) => {
    expect(parseSessionId(text)).toBe(text);
  });

  it.each([
    "",
    "Main",
    "main\n",
    "split",
    "split-",
    "split-a b",
    "split-a/b",
    "split-ä",
    "split-\u0000",
    "split-a\n",
    `split-${"x".repeat(81)}`,
    "other",
  ])("refuses the session %j", (text) => {
    expect(parseSessionId(text)).toBeUndefined();
  });

  it("names the split of a v1 connection id, where that is acceptable", () => {
    expect(splitSessionId("pane-1")).toBe("split-pane-1");
    expect(splitSessionId("")).toBeUndefined();
    expect(splitSessionId("../main")).toBeUndefined();
  });

  it("takes boot ids of 8 to 64 plain characters", () => {
    expect(parseBootId("12345678")).toBe("12345678");
    expect(parseBootId("x".repeat(64))).toBeDefined();
    for (const text of ["1234567", "x".repeat(65), "12345678 ", "1234567\n"]) expect(parseBootId(text)).toBeUndefined();
  });

  it("turns attachment keys into 16 bytes and back", () => {
    const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255);
    const key = attachmentKeyFromBytes(bytes);
    expect(key).toBe("000102030405060708090a0b0c0d0eff");
    expect(attachmentKeyToBytes(key!)).toEqual(bytes);
    expect(attachmentKeyFromBytes(bytes.subarray(1))).toBeUndefined();
    expect(attachmentKeyFromBytes(new Uint8Array(17))).toBeUndefined();
  });
});
