// Ages in one unit.

import { describe, expect, it } from "vitest";
import { ago } from "./ago.ts";

describe("ago", () => {
  it("says how long ago in one unit", () => {
    const now = new Date("2024-01-10T00:00:00Z");
    const before = (s: number): string => ago(new Date(now.getTime() - s * 1000), now);
    expect([before(5), before(300), before(7200), before(3 * 86_400), ago(undefined, now)]).toEqual([
      "5s",
      "5m",
      "2h",
      "3d",
      "-",
    ]);
  });
});
