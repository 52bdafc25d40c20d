// What every adapter of RateLimits keeps to.
import { describe, expect, it } from "vitest";
import type { Share } from "../../src/server/domain/access/attempt-rates.ts";
import type { RateLimits } from "../../src/server/domain/access/rate-limits.ts";
import type { Clock } from "../../src/server/domain/clock.ts";
import { manualClock } from "../support/manual-clock.ts";

/** `create` makes limits that share nothing with others. */
export function describeRateLimits(name: string, create: (deps: Share & { clock: Clock }) => RateLimits): void {
  async function take(limits: RateLimits, times: number, key = "key"): Promise<boolean[]> {
    const taken: boolean[] = [];
    for (let n = 0; n < times; n++) taken.push(await limits.tryTake(key));
    return taken;
  }

  describe(`rate limits of ${name}`, () => {
    it("let a burst pass, then what the minute gives", async () => {
      const clock = manualClock();
      const limits = create({ clock, burst: 3, perMinute: 6 });
      expect(await take(limits, 4)).toEqual([true, true, true, false]);
      clock.advance(10_000);
      expect(await take(limits, 2)).toEqual([true, false]);
      clock.advance(3_600_000);
      expect(await take(limits, 4)).toEqual([true, true, true, false]);
    });

    it("let no more pass of what comes at once", async () => {
      const limits = create({ clock: manualClock(), burst: 3, perMinute: 6 });
      const taken = await Promise.all(Array.from({ length: 20 }, () => limits.tryTake("key")));
      expect(taken.filter(Boolean)).toHaveLength(3);
    });

    it("say how long it takes until there is more, and take nothing for that", async () => {
      const clock = manualClock();
      const limits = create({ clock, burst: 2, perMinute: 6 });
      expect(await limits.waitMs("key")).toBe(0);
      await limits.tryTake("key");
      expect([await limits.waitMs("key"), await limits.tryTake("key")]).toEqual([0, true]);
      expect(await limits.waitMs("key")).toBe(10_000);
      clock.advance(4_000);
      expect([await limits.tryTake("key"), await limits.waitMs("key")]).toEqual([false, 6_000]);
      clock.advance(6_000);
      expect([await limits.waitMs("key"), await limits.tryTake("key")]).toEqual([0, true]);
    });

    it("keep keys apart", async () => {
      const limits = create({ clock: manualClock(), burst: 1, perMinute: 1 });
      expect(await take(limits, 1, "a")).toEqual([true]);
      expect(await take(limits, 1, "b")).toEqual([true]);
      expect(await take(limits, 1, "a")).toEqual([false]);
    });

    it("neither fill nor empty when the clock is set back", async () => {
      const clock = manualClock();
      const limits = create({ clock, burst: 2, perMinute: 60 });
      await take(limits, 1);
      clock.set(-3_600_000);
      expect(await take(limits, 2)).toEqual([true, false]);
      clock.advance(1000);
      expect(await take(limits, 1)).toEqual([true]);
    });
  });
}
