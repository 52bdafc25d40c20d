// Durations as people write them on a command line.

import { InvalidArgumentError } from "commander";
import type { Duration } from "../gen/google/protobuf/duration.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "10", "10s", "500ms", "2m", "24h", "30d" in milliseconds; a bare number means seconds. Throws commander's error. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const ms = Number(match?.[1]) * (UNIT_MS[match?.[2] ?? "s"] ?? Number.NaN);
  if (!(ms > 0) || !Number.isFinite(ms)) throw new InvalidArgumentError("write it as 10s, 500ms, 2m, 24h or 30d");
  return ms;
}

/** As the API has it. */
export function durationOf(ms: number | undefined): Duration | undefined {
  return ms === undefined ? undefined : { seconds: Math.trunc(ms / 1000), nanos: Math.trunc((ms % 1000) * 1e6) };
}
