import { afterEach, expect, it } from "vitest";
import { EventLoopMonitor } from "./event-loop.ts";

let monitor: EventLoopMonitor | undefined;
afterEach(() => monitor?.close());

it("remembers how late the loop was for one window, and no longer", async () => {
  const own = new EventLoopMonitor();
  monitor = own;
  own.tick(1);
  // Its timer has to have run once before lateness can show.
  await expect.poll(() => holdUp(own, 400), { timeout: 10_000 }).toBeGreaterThan(300);
  own.tick(10_001);
  expect(own.delay.maxMs).toBeGreaterThan(300);
  expect(own.delay.p50Ms).toBeLessThanOrEqual(own.delay.p99Ms);
  own.tick(20_001);
  expect(own.delay.maxMs).toBeLessThan(300);
});

function holdUp(held: EventLoopMonitor, ms: number): number {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return held.delay.maxMs;
}
