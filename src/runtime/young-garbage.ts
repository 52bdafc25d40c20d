// Collects the buffers of a flood while they are young. Each frame is a buffer outside V8's heap, but counts against its
// limit: V8 collected the whole heap for every 5 to 11 MB of a flood, which cost as much as all else together. A
// collection of the young generation alone frees them too and takes about 0.5 ms: see docs/performance.md.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Well before V8 would act, with a heap of 13 MB (an agent's). */
const COLLECT_EVERY_BYTES = 6 * 1024 * 1024;

export class YoungGarbage {
  readonly #collect: () => void;
  #bytes = 0;

  constructor(collect: () => void = collectYoung) {
    this.#collect = collect;
  }

  /** So many bytes of buffers have been used and let go, or soon will be. */
  made(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < COLLECT_EVERY_BYTES) return;
    this.#bytes = 0;
    this.#collect();
  }
}

/**
 * One for the whole process: two that count the same flood would collect in pairs, and what lives through two
 * collections grows old.
 */
export const youngGarbage = new YoungGarbage();

type Collect = (options: { type: "minor" }) => void;
let collector: Collect | undefined;

/** V8 hands its collector to a context that is made while the flag is set; the flag is unset again at once. */
function collectYoung(): void {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("gc") as Collect;
    setFlagsFromString("--no-expose-gc");
  }
  collector({ type: "minor" });
}
