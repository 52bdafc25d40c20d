// How windows of all sizes are shared out.

import { describe, expect, it } from "vitest";
import { layoutOf } from "./layout.ts";

const at = (cols: number, rows: number, isSplit = true, hasBanner = false) =>
  layoutOf({ cols, rows }, { isSplit, hasBanner });

describe("the layout", () => {
  it("leaves the last line free, and gives the list what head and foot leave", () => {
    expect(at(80, 24)).toEqual({
      isTooSmall: false,
      cols: 80,
      lines: 23,
      listCols: 80,
      listLines: 18,
      pageLines: 17,
      detailCols: 0,
      eventLines: 0,
    });
    expect(at(80, 24, true, true)).toMatchObject({ listLines: 17, pageLines: 16 });
  });

  it("shows details at the right from 140 columns on, and events below from 40 rows on", () => {
    expect(at(160, 50)).toMatchObject({ listCols: 80, detailCols: 79, eventLines: 10, listLines: 34 });
    expect(at(250, 80)).toMatchObject({ listCols: 125, detailCols: 124, eventLines: 10, listLines: 64 });
    expect([at(139, 39).detailCols, at(139, 39).eventLines, at(140, 24).detailCols]).toEqual([0, 0, 69]);
    expect(at(160, 50, false)).toMatchObject({ listCols: 160, detailCols: 0, eventLines: 0 });
  });

  it("is too small below 60x12", () => {
    expect([at(60, 12), at(59, 12), at(60, 11), at(79, 24), at(120, 30)].map(({ isTooSmall }) => isTooSmall)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });
});
