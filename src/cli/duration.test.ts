// Durations on a command line.
import { expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

it("reads seconds by default, and units where they are given", () => {
  expect(["10", "500ms", "1.5s", "2m", "24h", "30d"].map(parseDuration)).toEqual([
    10_000, 500, 1500, 120_000, 86_400_000, 2_592_000_000,
  ]);
});

it.each(["", "0", "-1", "10x", "1e3", "s"])("refuses %j", (text) => {
  expect(() => parseDuration(text)).toThrow("write it as");
});
