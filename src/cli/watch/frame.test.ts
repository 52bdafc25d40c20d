// A table drawn over itself.
import { describe, expect, it } from "vitest";
import { drawOver, erase, fitLines } from "./frame.ts";

const SIZE = { cols: 10, rows: 5 };

describe("fitLines", () => {
  it("keeps what fits, and leaves the last line to the cursor", () => {
    expect(fitLines(["a", "b", "c", "d"], SIZE)).toEqual(["a", "b", "c", "d"]);
    expect(fitLines(["a", "b", "c", "d", "e"], SIZE)).toEqual(["a", "b", "c", "… 2 more"]);
    expect(fitLines(["a", "b"], { cols: 10, rows: 1 })).toEqual(["… 2 more"]);
  });

  it("never reaches the last column", () => {
    expect(fitLines(["123456789", "1234567890", "日本語日本語"], SIZE)).toEqual([
      "123456789",
      "12345678…",
      "日本語日…",
    ]);
  });
});

describe("drawOver", () => {
  it("goes up to the first line, and clears behind each and below all", () => {
    expect(drawOver([], ["a"], SIZE)).toBe("\ra\x1b[K\n\x1b[J");
    expect(drawOver(["a", "b"], ["c"], SIZE)).toBe("\r\x1b[2Ac\x1b[K\n\x1b[J");
  });

  it("counts lines that a narrower window has broken, up to its first one", () => {
    expect(drawOver(["123456789", ""], ["a"], { cols: 4, rows: 20 })).toMatch(/^\r\x1b\[4A/);
    expect(erase(["1", "2", "3", "4"], { cols: 4, rows: 3 })).toBe("\r\x1b[2A\x1b[J");
  });
});
