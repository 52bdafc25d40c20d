// What a fault is given to be made with.

import { setTimeout as delay } from "node:timers/promises";
import type { Failovers } from "./failovers.ts";
import type { Rig } from "./rig.ts";
import type { Disturbance } from "./timeline.ts";

export interface FaultContext {
  rig: Rig;
  failovers: Failovers;
  disturbance: Disturbance;
  victim: number;
  lastsMs: number;
  /** Aborted when the drill ends early: faults heal at once. */
  signal: AbortSignal;
  patience: number;
  tell(what: string): void;
  onProblem(what: string): void;
}

/** Shorter where the drill ends. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}
