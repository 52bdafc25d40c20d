// How far a copy is: one line on the terminal, after a second, and gone when it is over.

import { byteCount } from "../text/byte-count.ts";
import { cutStart, fit } from "../text/columns.ts";
import { harmless } from "../text/harmless.ts";

const FIRST_AFTER_MS = 1000;
const EVERY_MS = 200;
const NAME_COLUMNS = 24;

export class CopyProgress {
  readonly #draw: ((line: string) => void) | undefined;
  readonly #startedAtMs = performance.now();
  #drawnAtMs = this.#startedAtMs + FIRST_AFTER_MS - EVERY_MS;
  #isDrawn = false;
  #file = { name: "", done: 0, total: 0, sinceMs: 0, doneBefore: 0 };

  /** `draw` undefined: nobody looks. */
  constructor(draw: ((line: string) => void) | undefined) {
    this.#draw = draw;
  }

  /** `done` of it was there already. `total` 0: not known. */
  begin(name: string, { done, total }: { done: number; total: number }): void {
    this.#file = { name, done, total, sinceMs: performance.now(), doneBefore: done };
  }

  add(bytes: number): void {
    this.#file.done += bytes;
    const now = performance.now();
    if (this.#draw === undefined || now - this.#drawnAtMs < EVERY_MS) return;
    this.#drawnAtMs = now;
    this.#isDrawn = true;
    this.#draw(`\r${progressLine(this.#file, now)}\x1b[K`);
  }

  /** The line is taken away. */
  end(): void {
    if (this.#isDrawn) this.#draw?.("\r\x1b[K");
    this.#isDrawn = false;
  }
}

export function progressLine(
  {
    name,
    done,
    total,
    sinceMs,
    doneBefore,
  }: { name: string; done: number; total: number; sinceMs: number; doneBefore: number },
  nowMs: number,
): string {
  const perSecond = ((done - doneBefore) * 1000) / Math.max(1, nowMs - sinceMs);
  const shown = fit(cutStart(harmless(name), NAME_COLUMNS), NAME_COLUMNS);
  const rate = `${byteCount(perSecond)}/s`.padStart(7);
  if (total === 0) return `${shown} ${byteCount(done).padStart(5)} ${rate}`;
  const percent = `${Math.floor((100 * done) / total)}%`.padStart(4);
  const left = perSecond > 0 ? ` ${clock((total - done) / perSecond)} left` : "";
  return `${shown} ${byteCount(done).padStart(5)} of ${byteCount(total)} ${percent} ${rate}${left}`;
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
