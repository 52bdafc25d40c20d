// Rate limits in process.
import { expect, it } from "vitest";
import { createRateLimits } from "../../src/server/adapters/memory/rate-limits.ts";
import { manualClock } from "../support/manual-clock.ts";
import { describeRateLimits } from "./rate-limits-contract.ts";

describeRateLimits("this process", createRateLimits);

it("rate limits of this process forget the key that was used least lately where there are too many", async () => {
  const limits = createRateLimits({ clock: manualClock(), burst: 1, perMinute: 1, maxKeys: 2 });
  for (const key of ["a", "b", "c"]) await limits.tryTake(key);
  expect(await limits.waitMs("a")).toBe(0);
  expect(await limits.waitMs("c")).toBeGreaterThan(0);
});
