// A recording that is being played: where it is, how fast, and what is shown then. Touches no document.

import type { CastEvent } from "../protocol/asciicast.ts";

/** Where it is shown. */
export interface PlaybackScreen {
  /** Empty, with the recording's first size. */
  reset(): void;
  show(event: CastEvent): void;
}

export interface PlaybackOptions {
  events: readonly CastEvent[];
  screen: PlaybackScreen;
  /** Milliseconds that only grow. */
  now(): number;
  /** Something that is told about playback has changed. */
  onChange(): void;
}

/** No pause is longer than this where pauses are skipped. */
const IDLE_LIMIT_MS = 2_000;

export class Playback {
  readonly #options: PlaybackOptions;
  #times: readonly number[];
  #speed = 1;
  #skipsPauses = true;
  /** Events before this one are shown. */
  #next = 0;
  #atMs = 0;
  /** Set while it runs. */
  #startedAtMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PlaybackOptions) {
    this.#options = options;
    this.#times = timesOf(options.events, true);
    options.screen.reset();
  }

  get durationMs(): number {
    return this.#times.at(-1) ?? 0;
  }

  get positionMs(): number {
    if (this.#startedAtMs === undefined) return this.#atMs;
    const elapsed = (this.#options.now() - this.#startedAtMs) * this.#speed;
    return Math.min(this.#atMs + elapsed, this.durationMs);
  }

  get isPlaying(): boolean {
    return this.#startedAtMs !== undefined;
  }

  get skipsPauses(): boolean {
    return this.#skipsPauses;
  }

  /** From the beginning where it has come to its end. */
  play(): void {
    if (this.isPlaying) return;
    if (this.#next >= this.#options.events.length) this.#moveTo(0);
    this.#startedAtMs = this.#options.now();
    this.#run();
    this.#options.onChange();
  }

  pause(): void {
    this.#hold();
    this.#options.onChange();
  }

  /** In its own time. What comes before is shown at once. */
  seek(positionMs: number): void {
    const wasPlaying = this.isPlaying;
    this.#hold();
    this.#moveTo(Math.min(Math.max(positionMs, 0), this.durationMs));
    if (wasPlaying) this.play();
    else this.#options.onChange();
  }

  setSpeed(speed: number): void {
    this.#changed(() => {
      this.#speed = speed;
    });
  }

  /** The place stays the same; the time that it has is another. */
  setSkipsPauses(skips: boolean): void {
    this.#changed(() => {
      const shownUntil = this.#times[this.#next - 1] ?? 0;
      const beyond = Math.min(this.#atMs - shownUntil, IDLE_LIMIT_MS);
      this.#skipsPauses = skips;
      this.#times = timesOf(this.#options.events, skips);
      this.#atMs = (this.#times[this.#next - 1] ?? 0) + beyond;
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#startedAtMs = undefined;
  }

  #changed(change: () => void): void {
    const wasPlaying = this.isPlaying;
    this.#hold();
    change();
    if (wasPlaying) this.play();
    else this.#options.onChange();
  }

  #hold(): void {
    this.#atMs = this.positionMs;
    this.#startedAtMs = undefined;
    clearTimeout(this.#timer);
  }

  #moveTo(positionMs: number): void {
    if (positionMs < (this.#times[this.#next - 1] ?? 0)) {
      this.#options.screen.reset();
      this.#next = 0;
    }
    this.#atMs = positionMs;
    this.#showUntil(positionMs);
  }

  #run(): void {
    this.#showUntil(this.positionMs);
    const due = this.#times[this.#next];
    if (due === undefined) {
      this.#hold();
      return this.#options.onChange();
    }
    this.#timer = setTimeout(() => this.#run(), (due - this.positionMs) / this.#speed);
  }

  #showUntil(positionMs: number): void {
    const { events, screen } = this.#options;
    for (let event = events[this.#next]; event !== undefined; event = events[this.#next]) {
      if ((this.#times[this.#next] ?? 0) > positionMs) return;
      screen.show(event);
      this.#next += 1;
    }
  }
}

/** When each is shown. */
function timesOf(events: readonly CastEvent[], skipsPauses: boolean): number[] {
  let at = 0;
  let before = 0;
  return events.map(({ atMs }) => {
    const pause = Math.max(0, atMs - before);
    before = Math.max(before, atMs);
    at += skipsPauses ? Math.min(pause, IDLE_LIMIT_MS) : pause;
    return at;
  });
}
