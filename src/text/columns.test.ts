// Columns as a terminal counts them.

import { describe, expect, it } from "vitest";
import { cut, cutStart, displayWidth, fit } from "./columns.ts";

describe("displayWidth", () => {
  it("counts what a terminal shows", () => {
    expect([displayWidth("abc"), displayWidth("日本"), displayWidth("e\u0301"), displayWidth("👩‍💻")]).toEqual([
      3, 4, 1, 2,
    ]);
  });
});

describe("cut and fit", () => {
  it("keep what has room, and tell that something is missing", () => {
    expect([cut("abc", 3), cut("abcd", 3), cut("abcd", 1), cut("abcd", 0)]).toEqual(["abc", "ab…", "…", ""]);
    expect([cut("abcd", 3, "~"), cut("abcdef", 2, "...")]).toEqual(["ab~", "ab"]);
  });

  it("never take half a wide character", () => {
    expect([fit("日本語", 6), fit("日本語", 5), fit("日本語", 4)]).toEqual(["日本語", "日本…", "日… "]);
  });

  it("fill to the width on either side", () => {
    expect([fit("ab", 4), fit("7%", 4, "right")]).toEqual(["ab  ", "  7%"]);
  });
});

describe("cutStart", () => {
  it("keeps the end, in whole characters", () => {
    expect([cutStart("instance-1", 10), cutStart("instance-1", 8), cutStart("ab", 1), cutStart("ab", 0)]).toEqual([
      "instance-1",
      "…tance-1",
      "…",
      "",
    ]);
    expect([cutStart("日本語", 5), cutStart("日本語", 4, "~"), cutStart("abcdef", 2, "...")]).toEqual([
      "…本語",
      "~語",
      "ab",
    ]);
  });
});
