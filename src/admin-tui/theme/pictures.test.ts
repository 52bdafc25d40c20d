// Pictures made of characters.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bar, percent, plot, sparkline } from "./pictures.ts";
import { byteCount } from "../../text/byte-count.ts";

const FINE = { isAscii: false };
const ASCII = { isAscii: true };
const { NaN: NONE, POSITIVE_INFINITY: ENDLESS } = Number;

describe("a sparkline", () => {
  it("shows the last figures at its right end", () => {
    expect(sparkline([0, 50, 100], 5, 100, FINE)).toBe("  ▁▅█");
    expect(sparkline([0, 15, 30, 45, 60, 75, 90, 100], 8, 100, ASCII)).toBe(".:-=+#@@");
    expect(sparkline([1, 2, 3, 100, 0], 2, 100, ASCII)).toBe("@.");
  });

  it("leaves a blank where nothing was measured, and keeps absurd figures within it", () => {
    expect(sparkline([NONE, -5, 1e9, ENDLESS], 4, 100, ASCII)).toBe(" .@@");
  });

  it("is nothing where there is no room, and blank where there are no figures", () => {
    expect([sparkline([1, 2], 0, 100, FINE), sparkline([], 3, 100, FINE)]).toEqual(["", "   "]);
  });
});

describe("a bar", () => {
  it("is full at the limit and beyond, empty where nothing is used, and never empty where something is", () => {
    expect([bar(0, 5, 12, ASCII), bar(2, 5, 12, ASCII), bar(5, 5, 12, ASCII), bar(9, 5, 12, ASCII)]).toEqual([
      "[----------]",
      "[####------]",
      "[##########]",
      "[##########]",
    ]);
    expect([bar(1, 1000, 12, ASCII), bar(1, 0, 12, ASCII), bar(1, 2, 6, FINE)]).toEqual([
      "[#---------]",
      "[##########]",
      "[██░░]",
    ]);
  });
});

describe("a plot", () => {
  it("draws each figure as a column, from the bottom", () => {
    expect(plot([0, 50, 100], { width: 4, height: 2 }, 100, FINE)).toEqual(["   █", " ▁██"]);
    expect(plot([75], { width: 1, height: 2 }, 100, FINE)).toEqual(["▄", "█"]);
    expect(plot([NONE, -1, 1e9], { width: 3, height: 2 }, 100, ASCII)).toEqual(["  @", " .@"]);
  });
});

describe("every picture", () => {
  const figure = fc.oneof(fc.double(), fc.constantFrom(NONE, ENDLESS, -ENDLESS, 0, 100));

  it("is exactly as wide and high as it was asked for, whatever the figures", () => {
    fc.assert(
      fc.property(
        fc.array(figure, { maxLength: 30 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        (figures, width, height, isAscii) => {
          expect(sparkline(figures, width, 100, { isAscii })).toHaveLength(width);
          if (width === 0) return;
          const lines = plot(figures, { width, height }, 100, { isAscii });
          expect(lines.map((line) => line.length)).toEqual(Array.from({ length: height }, () => width));
        },
      ),
    );
  });

  it("counts bytes in at most five characters, whatever the count", () => {
    fc.assert(fc.property(figure, (count) => byteCount(count).length <= 5));
  });
});

describe("figures", () => {
  it("are short", () => {
    expect([0, 512, 999, 1000, 1536, 20 * 2 ** 20, 2 ** 63, 1e30, -1, NONE].map(byteCount)).toEqual([
      "0",
      "512B",
      "999B",
      "1.0K",
      "1.5K",
      "20M",
      ">999P",
      ">999P",
      "n/a",
      "n/a",
    ]);
    expect([percent(71.4), percent(undefined), percent(NONE)]).toEqual(["71%", "n/a", "n/a"]);
  });
});
