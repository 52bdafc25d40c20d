// How long no key was echoed when an instance was killed, or told to end, for each agent that it held.

import type { Disturbance, Timeline } from "./timeline.ts";
import type { Station } from "./station.ts";

export interface Failover {
  kind: "kill" | "drain";
  /** "agent-1 on instance-2" */
  what: string;
  disturbance: Disturbance;
  beganAtMs: number;
  /** Undefined: not yet. */
  tookMs: number | undefined;
}

const DRAIN_KEYS = 40;
const DRAIN_KEY_EVERY_MS = 50;

export class Failovers {
  readonly all: Failover[] = [];

  watch(
    kind: Failover["kind"],
    input: { stations: readonly Station[]; instance: string; disturbance: Disturbance },
  ): void {
    const { stations, instance, disturbance } = input;
    for (const { agent, echo } of stations) {
      const failover: Failover = {
        kind,
        what: `${agent.name} on ${instance}`,
        disturbance,
        beganAtMs: performance.now(),
        tookMs: undefined,
      };
      this.all.push(failover);
      // A drained instance goes on for a moment: of the keys of the next seconds the slowest counts.
      let waiting = kind === "kill" ? 1 : DRAIN_KEYS;
      const type = (): void =>
        echo.probe((tookMs) => {
          slowestMs = Math.max(slowestMs, tookMs);
          if (--waiting === 0) failover.tookMs = slowestMs;
        });
      let slowestMs = 0;
      for (let key = 0; key < waiting; key++) setTimeout(type, key * DRAIN_KEY_EVERY_MS);
    }
  }

  /** Those that nothing else can have delayed, in order of time. */
  undisturbed(kind: Failover["kind"], timeline: Timeline): number[] {
    const now = performance.now();
    return this.all
      .filter((each) => each.kind === kind)
      .map(({ disturbance, beganAtMs, tookMs = now - beganAtMs }) => ({ disturbance, beganAtMs, tookMs }))
      .filter(
        ({ disturbance, beganAtMs, tookMs }) =>
          !timeline.isDisturbed(disturbance, { fromMs: beganAtMs, toMs: beganAtMs + tookMs }),
      )
      .map(({ tookMs }) => tookMs)
      .toSorted((a, b) => a - b);
  }
}

/** Of numbers in order; undefined of none. */
export function quantile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}
