// How long a viewer takes to notice that its server is gone.
import { describe, expect, it } from "vitest";
import { ManualClock } from "./fake-server.ts";
import { SilenceWatch } from "./silence-watch.ts";

function start({ seesPings = true } = {}) {
  const clock = new ManualClock();
  const seen = { pings: 0, silentAtMs: undefined as number | undefined };
  const watch = new SilenceWatch({
    clock,
    seesPings,
    ping: () => void (seen.pings += 1),
    onSilent: () => void (seen.silentAtMs = clock.now()),
  });
  return { clock, watch, seen };
}

describe("a server that has gone silent is noticed", () => {
  it("after 45 s by who waits for nothing, without a ping of ours", () => {
    const { clock, seen } = start();
    clock.advance(120_000);
    expect(seen).toEqual({ pings: 0, silentAtMs: 45_000 });
    expect(clock.timers).toBe(0);
  });

  it("5 s after a key, and 5 s after the last thing heard since", () => {
    const { clock, watch, seen } = start();
    clock.advance(40_000);
    watch.expect(1);
    clock.advance(1_500);
    watch.heard();
    clock.advance(120_000);
    expect(seen.silentAtMs).toBe(46_500);
  });

  it("not before it can have read a large paste on a slow line", () => {
    const { clock, watch, seen } = start();
    watch.expect(128 * 1024);
    clock.advance(37_000);
    expect(seen.silentAtMs).toBeUndefined();
    clock.advance(8_000);
    expect(seen.silentAtMs).toBeLessThanOrEqual(45_000);
  });

  it("after 45 s by a page, which sees no pings, and only where it waits for an answer", () => {
    const { clock, watch, seen } = start({ seesPings: false });
    clock.advance(600_000);
    expect(seen.silentAtMs).toBeUndefined();
    watch.expect(1);
    clock.advance(44_999);
    expect(seen.silentAtMs).toBeUndefined();
    clock.advance(1);
    expect(seen).toEqual({ pings: 0, silentAtMs: 645_000 });
  });
});

it("a key that is answered at once costs no ping", () => {
  const { clock, watch, seen } = start();
  for (let key = 0; key < 100; key++) {
    watch.expect(1);
    clock.advance(50);
    watch.heard();
    watch.expect(0);
    clock.advance(150);
  }
  expect(seen).toEqual({ pings: 0, silentAtMs: undefined });
});

it("an end leaves no timer", () => {
  const { clock, watch } = start();
  watch.expect(1);
  watch.stop();
  expect(clock.timers).toBe(0);
});
