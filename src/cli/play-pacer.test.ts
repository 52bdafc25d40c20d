import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PlayPacer } from "./play-pacer.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** How long each of these was waited for. */
async function waits(pacer: PlayPacer, ...times: number[]): Promise<number[]> {
  const waited: number[] = [];
  for (const at of times) {
    const before = performance.now();
    let isOver = false;
    const over = pacer.until(at).then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(0);
    while (!isOver) await vi.advanceTimersByTimeAsync(1);
    await over;
    waited.push(performance.now() - before);
  }
  return waited;
}

it("waits as long as it took", async () => {
  expect(await waits(new PlayPacer({ speed: 1, idleLimitMs: undefined }), 100, 100, 350)).toEqual([100, 0, 250]);
});

it("waits no longer than the limit, and goes on from there", async () => {
  expect(await waits(new PlayPacer({ speed: 1, idleLimitMs: 50 }), 1000, 1010, 5000)).toEqual([50, 10, 50]);
});

it("is as much faster as it is told to be", async () => {
  const pacer = new PlayPacer({ speed: 2, idleLimitMs: undefined });
  expect(await waits(pacer, 100)).toEqual([50]);
  pacer.changeSpeed(2);
  expect(pacer.speed).toBe(4);
  expect(await waits(pacer, 200)).toEqual([25]);
});

it("goes on where it was paused, and at another speed from there", async () => {
  const pacer = new PlayPacer({ speed: 1, idleLimitMs: undefined });
  let isShown = false;
  void pacer.until(100).then(() => (isShown = true));
  await vi.advanceTimersByTimeAsync(40);
  pacer.pause(true);
  await vi.advanceTimersByTimeAsync(10_000);
  pacer.changeSpeed(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(isShown).toBe(false);
  pacer.pause(false);
  await vi.advanceTimersByTimeAsync(29);
  expect(isShown).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isShown).toBe(true);
});

it("shows nothing more while it is paused, also what needs no waiting", async () => {
  const pacer = new PlayPacer({ speed: 1, idleLimitMs: undefined });
  pacer.pause(true);
  let isShown = false;
  void pacer.until(0).then(() => (isShown = true));
  await vi.advanceTimersByTimeAsync(1000);
  expect(isShown).toBe(false);
  pacer.pause(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(isShown).toBe(true);
});

it("jumps ahead, over what is waited for and what comes until then", async () => {
  const pacer = new PlayPacer({ speed: 1, idleLimitMs: undefined });
  let isShown = false;
  void pacer.until(5_000).then(() => (isShown = true));
  await vi.advanceTimersByTimeAsync(10);
  pacer.jumpAhead(10_000);
  await vi.advanceTimersByTimeAsync(0);
  expect(isShown).toBe(true);
  expect(await waits(pacer, 14_000, 15_000, 15_100)).toEqual([0, 0, 100]);
});
