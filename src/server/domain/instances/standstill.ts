// For how long each instance's heartbeat count has certainly stood still, told what was read and when. It counts only
// what was watched without a break: a database that was away, or a process that was stopped, has seen nothing.

import type { RunId } from "../../../protocol/ids.ts";
import type { StoredInstance } from "./instance-store.ts";

/** Three rounds. A longer time between two reads is a break: what stood still in it may have been unable to write. */
const MAX_GAP_MS = 6_000;

type Seen = Pick<StoredInstance, "run" | "beats">;

export class Standstill {
  #since = new Map<RunId, { beats: number; atMs: number }>();
  #watchedSinceMs = Number.POSITIVE_INFINITY;
  #lastBeganAtMs = Number.NEGATIVE_INFINITY;
  #lastEndedAtMs = Number.NEGATIVE_INFINITY;

  /** What a successful read has shown. Times are of a clock that nobody sets. */
  saw(instances: readonly Seen[], { beganAtMs, endedAtMs }: { beganAtMs: number; endedAtMs: number }): void {
    const isBreak = endedAtMs - this.#lastEndedAtMs > MAX_GAP_MS;
    if (isBreak) this.#watchedSinceMs = endedAtMs;
    const before = isBreak ? new Map<never, never>() : this.#since;
    this.#since = new Map();
    for (const { run, beats } of instances) {
      const known = before.get(run);
      this.#since.set(run, known?.beats === beats ? known : { beats, atMs: endedAtMs });
    }
    this.#lastBeganAtMs = beganAtMs;
    this.#lastEndedAtMs = endedAtMs;
  }

  /** From the end of the first read that showed this count to the beginning of the last: between them nothing moved. */
  stillMs(run: RunId): number {
    const since = this.#since.get(run);
    return since === undefined ? 0 : Math.max(0, this.#lastBeganAtMs - since.atMs);
  }

  /** For how long there has been no break. */
  get watchedMs(): number {
    return Math.max(0, this.#lastBeganAtMs - this.#watchedSinceMs);
  }

  readAgoMs(nowMs: number): number {
    return nowMs - this.#lastEndedAtMs;
  }
}
