// When the next event of a recording is to be shown: as it was, faster, or later. Whoever looks may pause it and jump ahead.

export interface PlayPace {
  speed: number;
  /** Undefined: pauses are as long as they were. */
  idleLimitMs: number | undefined;
}

const MAX_SPEED = 1000;
const MIN_SPEED = 1 / 64;

export class PlayPacer {
  readonly #idleLimitMs: number;
  #speed: number;
  #isPaused = false;
  /** What has been shown, in the recording's time. */
  #atMs = 0;
  /** Everything before is shown without waiting. */
  #jumpToMs = 0;
  #waiting: { leftMs: number; sinceMs: number; timer: NodeJS.Timeout | undefined; done: () => void } | undefined;

  constructor({ speed, idleLimitMs }: PlayPace) {
    this.#speed = speed;
    this.#idleLimitMs = idleLimitMs ?? Number.POSITIVE_INFINITY;
  }

  get speed(): number {
    return this.#speed;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Resolves when an event of this time is to be shown. One at a time. */
  async until(atMs: number): Promise<void> {
    const pauseMs = Math.min(atMs - this.#atMs, this.#idleLimitMs);
    this.#atMs = Math.max(this.#atMs, atMs);
    const leftMs = atMs <= this.#jumpToMs ? 0 : pauseMs;
    if (leftMs <= 0 && !this.#isPaused) return;
    await new Promise<void>((done) => {
      this.#waiting = { leftMs, sinceMs: performance.now(), timer: undefined, done };
      this.#run();
    });
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#halt();
    this.#isPaused = isPaused;
    this.#run();
  }

  /** A factor of what it is now. */
  changeSpeed(factor: number): void {
    this.#halt();
    this.#speed = Math.min(Math.max(this.#speed * factor, MIN_SPEED), MAX_SPEED);
    this.#run();
  }

  /** In the recording's time. */
  jumpAhead(ms: number): void {
    this.#jumpToMs = Math.max(this.#jumpToMs, this.#atMs) + ms;
    this.#halt();
    if (this.#waiting) this.#waiting.leftMs = 0;
    this.#run();
  }

  /** What of the wait is left, in the recording's time. */
  #halt(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#isPaused) return;
    clearTimeout(waiting.timer);
    waiting.leftMs -= (performance.now() - waiting.sinceMs) * this.#speed;
  }

  #run(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#isPaused) return;
    waiting.sinceMs = performance.now();
    waiting.timer = setTimeout(() => {
      this.#waiting = undefined;
      waiting.done();
    }, Math.max(0, waiting.leftMs) / this.#speed);
  }
}
