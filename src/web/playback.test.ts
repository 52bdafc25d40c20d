import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { CastEvent } from "../protocol/asciicast.ts";
import { Playback } from "./playback.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const EVENTS: CastEvent[] = [0, 100, 300, 10_300, 10_400].map((atMs) => ({ kind: "output", atMs, text: `${atMs} ` }));

function playbackOf(events = EVENTS) {
  let text = "";
  let changes = 0;
  const playback = new Playback({
    events,
    screen: {
      reset: () => (text = ""),
      show: (event) => (text += event.kind === "output" ? event.text : ""),
    },
    now: () => performance.now(),
    onChange: () => (changes += 1),
  });
  return { playback, shown: () => text.trim(), changes: () => changes };
}

it("shows each when it is due, without long pauses, and stops at the end", () => {
  const { playback, shown } = playbackOf();
  expect(playback.durationMs).toBe(2_400);
  playback.play();
  expect(shown()).toBe("0");
  vi.advanceTimersByTime(299);
  expect(shown()).toBe("0 100");
  vi.advanceTimersByTime(2_001);
  expect(shown()).toBe("0 100 300 10300");
  expect(playback.isPlaying).toBe(true);
  vi.advanceTimersByTime(100);
  expect(shown()).toBe("0 100 300 10300 10400");
  expect(playback).toMatchObject({ isPlaying: false, positionMs: 2_400 });
  playback.play();
  expect(shown()).toBe("0");
});

it("goes on where it was paused, at another speed", () => {
  const { playback, shown, changes } = playbackOf();
  playback.play();
  vi.advanceTimersByTime(200);
  playback.pause();
  vi.advanceTimersByTime(60_000);
  expect(shown()).toBe("0 100");
  expect(playback.positionMs).toBe(200);
  playback.setSpeed(2);
  playback.play();
  vi.advanceTimersByTime(49);
  expect(shown()).toBe("0 100");
  vi.advanceTimersByTime(1);
  expect(shown()).toBe("0 100 300");
  expect(changes()).toBe(4);
});

it("shows all that was before the place that it is moved to, and nothing that comes after", () => {
  const { playback, shown } = playbackOf();
  playback.seek(350);
  expect(shown()).toBe("0 100 300");
  playback.seek(100);
  expect(shown()).toBe("0 100");
  playback.seek(1e9);
  expect(shown()).toBe("0 100 300 10300 10400");
  playback.seek(-5);
  expect(shown()).toBe("0");
  expect(playback.isPlaying).toBe(false);
});

it("keeps its place where pauses come back, and goes through them", () => {
  const { playback, shown } = playbackOf();
  playback.seek(350);
  playback.setSkipsPauses(false);
  expect(playback).toMatchObject({ durationMs: 10_400, positionMs: 350 });
  playback.play();
  vi.advanceTimersByTime(9_949);
  expect(shown()).toBe("0 100 300");
  vi.advanceTimersByTime(1);
  expect(shown()).toBe("0 100 300 10300");
  playback.setSkipsPauses(true);
  expect(playback.positionMs).toBe(2_300);
});

it("has nothing to show of an empty recording", () => {
  const { playback, shown } = playbackOf([]);
  playback.play();
  expect(shown()).toBe("");
  expect(playback).toMatchObject({ isPlaying: false, durationMs: 0, positionMs: 0 });
});
