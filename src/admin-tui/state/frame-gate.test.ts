// Keys are answered at once, whatever data does; and a screen is drawn ten times a second at most.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { emptyState } from "../../../test/support/tui-state.ts";
import { type FrameGate, gateFrames } from "./frame-gate.ts";
import { createStore, type Store } from "./store.ts";

let store: Store;
let gate: FrameGate;
let frames: number[];

beforeEach(() => {
  vi.useFakeTimers();
  store = createStore(emptyState(), () => {});
  gate = gateFrames(store, () => performance.now());
  frames = [];
  gate.subscribe(() => frames.push(performance.now()));
});
afterEach(() => {
  gate.close();
  vi.useRealTimers();
});

let ticks = 0;
const data = (): void => store.dispatch({ kind: "tick", nowMs: ++ticks });
const key = (): void => store.dispatch({ kind: "key", press: { kind: "character", text: "?" }, nowMs: ++ticks });

it("draws the first change at once", () => {
  data();
  expect(frames).toHaveLength(1);
  expect(gate.state()).toBe(store.state());
});

it("draws a key at once, also when data has just been drawn", () => {
  data();
  key();
  expect(frames).toHaveLength(2);
  expect(gate.state().overlay?.kind).toBe("help");
});

it("draws data four times a second, and shows nothing in between", () => {
  for (let ms = 0; ms < 1000; ms += 10) {
    data();
    vi.advanceTimersByTime(10);
  }
  expect(frames.length).toBeGreaterThanOrEqual(4);
  expect(frames.length).toBeLessThanOrEqual(5);
});

it("draws ten times a second while a key is held down and data comes, and the last key within 100 ms", () => {
  const startedAtMs = performance.now();
  for (let ms = 0; ms < 3000; ms += 30) {
    key();
    data();
    vi.advanceTimersByTime(30);
  }
  for (const from of [0, 500, 1000, 1700]) {
    const inThisSecond = frames.filter((at) => at - startedAtMs >= from && at - startedAtMs < from + 1000);
    expect(inThisSecond.length).toBeLessThanOrEqual(10);
    expect(inThisSecond.length).toBeGreaterThanOrEqual(8);
  }
  key();
  vi.advanceTimersByTime(100);
  expect(gate.state().overlay).toBe(store.state().overlay);
});

it("leaves no timer behind", () => {
  data();
  data();
  gate.close();
  expect(vi.getTimerCount()).toBe(0);
});
