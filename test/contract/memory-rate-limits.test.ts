// Rate limits in process.
import { describe, expect, it } from "vitest";
import { createRateLimits } from "../../src/server/adapters/memory/rate-limits.ts";
import { manualClock } from "../support/manual-clock.ts";

describe("rate limits", () => {
  it("let a burst pass, then what the minute gives", () => {
    const clock = manualClock();
    const limits = createRateLimits({ clock, burst: 3, perMinute: 6 });
    const take = (times: number) => Array.from({ length: times }, () => limits.tryTake("key"));
    expect(take(4)).toEqual([true, true, true, false]);
    clock.advance(10_000);
    expect(take(2)).toEqual([true, false]);
    clock.advance(3_600_000);
    expect(take(4)).toEqual([true, true, true, false]);
  });

  it("say how long it takes until there is more, and take nothing for that", () => {
    const clock = manualClock();
    const limits = createRateLimits({ clock, burst: 2, perMinute: 6 });
    expect(limits.waitMs("key")).toBe(0);
    limits.tryTake("key");
    expect([limits.waitMs("key"), limits.tryTake("key")]).toEqual([0, true]);
    expect(limits.waitMs("key")).toBe(10_000);
    clock.advance(4_000);
    expect([limits.tryTake("key"), limits.waitMs("key")]).toEqual([false, 6_000]);
    clock.advance(6_000);
    expect([limits.waitMs("key"), limits.tryTake("key")]).toEqual([0, true]);
  });

  it("forget the key that was used least lately where there are too many", () => {
    const limits = createRateLimits({ clock: manualClock(), burst: 1, perMinute: 1, maxKeys: 2 });
    for (const key of ["a", "b", "c"]) limits.tryTake(key);
    expect(limits.waitMs("a")).toBe(0);
    expect(limits.waitMs("c")).toBeGreaterThan(0);
  });

  it("keep keys apart", () => {
    const limits = createRateLimits({ clock: manualClock(), burst: 1, perMinute: 1 });
    expect(limits.tryTake("a")).toBe(true);
    expect(limits.tryTake("b")).toBe(true);
    expect(limits.tryTake("a")).toBe(false);
  });

  it("neither fill nor empty when the clock is set back", () => {
    const clock = manualClock();
    const limits = createRateLimits({ clock, burst: 2, perMinute: 60 });
    limits.tryTake("a");
    clock.advance(-3_600_000);
    expect(limits.tryTake("a")).toBe(true);
    expect(limits.tryTake("a")).toBe(false);
    clock.advance(1000);
    expect(limits.tryTake("a")).toBe(true);
  });
});
