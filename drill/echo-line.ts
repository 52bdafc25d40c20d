// A shell of its own that echoes what is typed: every key must come back, once and in order, and how long that takes says
// how soon a terminal can be used again.

import { RECORD_BYTES, streamBytes } from "../test/support/stream-bytes.js";
import { OutputCheck } from "./output-check.ts";
import { DrillViewer, type ViewerOptions } from "./viewer.ts";

/** The shell says so when it is ready. */
export const READY = "R";

const KEY_EVERY_MS = 200;
/** Keys without an echo: no more is typed above. */
const MAX_WAITING = 100;

interface Key {
  end: number;
  typedAtMs: number;
  onEcho?: (afterMs: number) => void;
}

export class EchoLine {
  readonly viewer: DrillViewer;
  readonly #seed: number;
  readonly #waiting: Key[] = [];
  /** Are typed when the shell is ready: before, its terminal would echo them by itself. */
  #probes: ((afterMs: number) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #typed = 0;
  #slowestMs = 0;

  /** Types from the shell's first word on. `onInputLost`: this line can't be checked any more. */
  constructor(options: Omit<ViewerOptions, "target" | "readOnly" | "check" | "onOutput">, seed: number) {
    this.#seed = seed;
    this.viewer = new DrillViewer({
      ...options,
      target: { kind: "new" },
      readOnly: false,
      check: new OutputCheck(seed),
      preamble: READY.length,
      onOutput: () => this.#onOutput(),
    });
  }

  get typed(): number {
    return this.#typed;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** From key to echo, at worst. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  start(): void {
    this.viewer.silences.begin();
    this.#timer ??= setInterval(() => {
      if (!this.viewer.isReady) return;
      for (const onEcho of this.#probes.splice(0)) this.#type(onEcho);
      if (this.#waiting.length < MAX_WAITING) this.#type();
    }, KEY_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Types one more key now; calls back at its echo. */
  probe(onEcho: (afterMs: number) => void): void {
    if (this.viewer.isReady) this.#type(onEcho);
    else this.#probes.push(onEcho);
  }

  /** Another line was given up, with keys whose echo is waited for: one of this line's answers for each of them. */
  takeOver(other: EchoLine): void {
    const now = performance.now();
    for (const { typedAtMs, onEcho } of other.#waiting) {
      if (onEcho !== undefined) this.probe((afterMs) => onEcho(now - typedAtMs + afterMs));
    }
  }

  #type(onEcho?: (afterMs: number) => void): void {
    this.viewer.terminal.write(new Uint8Array(streamBytes(this.#typed, RECORD_BYTES, this.#seed)));
    this.#typed += RECORD_BYTES;
    const key = { end: this.#typed, typedAtMs: performance.now() };
    this.#waiting.push(onEcho === undefined ? key : { ...key, onEcho });
  }

  #onOutput(): void {
    for (let key = this.#waiting[0]; key && key.end <= this.viewer.check.offset; key = this.#waiting[0]) {
      this.#waiting.shift();
      const afterMs = performance.now() - key.typedAtMs;
      this.#slowestMs = Math.max(this.#slowestMs, afterMs);
      key.onEcho?.(afterMs);
    }
  }
}
