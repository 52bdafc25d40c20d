// Rate limits in process.
import { expect, it } from "vitest";
import { createRateLimits } from "../../src/server/adapters/memory/rate-limits.ts";
import { manualClock } from "../support/manual-clock.ts";
import { describeRateLimits } from "./rate-limits-contract.ts";

describeRateLimits("this process", createRateLimits);

it("rate limits of this process are not filled by a clock that somebody sets", async () => {
  const clock = manualClock();
  const limits = createRateLimits({ clock, burst: 1, perMinute: 1 });
  await limits.tryTake("key");
  clock.set(3_600_000);
  expect(await limits.tryTake("key")).toBe(false);
  expect(await limits.waitMs("key")).toBe(60_000);
});

it("rate limits of this process forget the key that was used least lately where there are too many", async () => {
  const limits = createRateLimits({ clock: manualClock(), burst: 1, perMinute: 1, maxKeys: 2 });
  for (const key of ["a", "b", "c"]) await limits.tryTake(key);
  expect(await limits.waitMs("a")).toBe(0);
  expect(await limits.waitMs("c")).toBeGreaterThan(0);
});
