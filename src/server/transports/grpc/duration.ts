// A span of time in a request.

import type { Duration } from "../../../gen/google/protobuf/duration.ts";

export function durationMs({ seconds, nanos }: Duration): number {
  return seconds * 1000 + nanos / 1e6;
}
