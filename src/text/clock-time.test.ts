import { expect, it } from "vitest";
import { clockTime } from "./clock-time.ts";

it.each([
  [0, "0:00"],
  [7_999, "0:07"],
  [754_000, "12:34"],
  [3_723_000, "1:02:03"],
  [360_000_000, "100:00:00"],
])("%d ms is %s", (ms, text) => expect(clockTime(ms)).toBe(text));
