// docs/protocol.md names every frame, control message, close code and limit as the code has them.

import { describe, expect, it } from "vitest";
import { CONTROL_SENDERS } from "../../src/protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import { CLOSE, ERRORS } from "../../src/protocol/errors.ts";
import * as limits from "../../src/protocol/limits.ts";
import { readDocument, sectionOf, tableRows } from "./markdown.ts";

const text = readDocument("docs/protocol.md");
const firstTwo = (heading: string) =>
  tableRows(sectionOf(text, heading)).map(([name, value]) => [name ?? "", value ?? ""]);

describe("docs/protocol.md", () => {
  it("has every frame type", () => {
    const types = Object.entries(FRAME).map(([name, type]) => [`0x${type.toString(16).padStart(2, "0")}`, name]);
    expect(firstTwo("## Frames")).toEqual(types);
  });

  it("shows a frame as the codec makes it", () => {
    const shown = /`((?:[0-9a-f]{2,} )+[0-9a-f]{2})`/.exec(sectionOf(text, "## Frames"))?.[1];
    const frame = encodeDataFrame(
      { type: FRAME.INPUT, stream: 1, attachment: 7, offset: 0 },
      new TextEncoder().encode("ls\r"),
    );
    expect(shown?.replaceAll(" ", "")).toBe(Buffer.from(frame).toString("hex"));
  });

  it("has every control message and who may send it", () => {
    const senders = Object.entries(CONTROL_SENDERS).map(([name, who]) => [name, who.join(", ")]);
    expect(firstTwo("## Control messages")).toEqual(senders);
  });

  it("has every close code", () => {
    const codes = new Set([...Object.values(CLOSE), ...Object.values(ERRORS).map(({ ws }) => ws)].map(String));
    expect(firstTwo("# Close codes").map(([code]) => code)).toEqual([...codes].sort());
  });

  it("says the limits' numbers in its text, too", () => {
    const units: Record<string, number> = { KiB: 1024, MiB: 1024 * 1024, s: 1000 };
    const said = [...text.matchAll(/\b([A-Z][A-Z_]+_(?:BYTES|MS)) \((\d+) (KiB|MiB|s)\)/g)];
    expect(said.length).toBeGreaterThan(5);
    for (const [, name = "", value, unit = ""] of said) {
      expect(Object.entries(limits).find(([key]) => key === name)?.[1], name).toBe(Number(value) * (units[unit] ?? 0));
    }
  });

  it("has every limit with its number", () => {
    const values = Object.entries(limits).map(([name, value]) => [name, String(value)]);
    expect(Object.fromEntries(firstTwo("# Limits"))).toEqual(Object.fromEntries(values));
  });
});
