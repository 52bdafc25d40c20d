// Keeps V8's young generation small. In a storm of handshakes it grows to 128 MB, and then stays as large: V8 shrinks it
// only in a process that makes next to no garbage, which one that pings ten thousand agents never is. See
// docs/performance.md.

import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Of both its halves. */
const ENOUGH_BYTES = 16 * 1024 * 1024;

let isWatched = false;

/** Ends its growth once it is large enough, for the life of the process. */
export function capYoungGeneration(): void {
  if (isWatched) return;
  isWatched = true;
  // It grows where it has been collected, at most to double its size.
  const collections = new PerformanceObserver(() => {
    if (youngGenerationBytes() < ENOUGH_BYTES) return;
    collections.disconnect();
    // Its greatest size is settled when a process starts, and only by the command line; by how much it grows is not.
    setFlagsFromString("--semi-space-growth-factor=1");
  });
  collections.observe({ entryTypes: ["gc"] });
}

export function youngGenerationBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}
