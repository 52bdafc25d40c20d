// Goes through a schedule: begins each fault when it is its turn and its victim is whole, and heals everything at the end.

import { FAULTS } from "./fault-kinds.ts";
import type { Failovers } from "./failovers.ts";
import { pause } from "./fault-context.ts";
import { MAKE_FAULT } from "./faults.ts";
import { clockOwner } from "./clock-faults.ts";
import type { Rig } from "./rig.ts";
import type { PlannedFault } from "./schedule.ts";
import type { Disturbance, Timeline } from "./timeline.ts";

export interface DrillDeps {
  rig: Rig;
  timeline: Timeline;
  failovers: Failovers;
  patience: number;
  /** Nothing more begins then. */
  untilMs: number;
  /** Aborted when it is to end early. */
  signal: AbortSignal;
  tell(what: string): void;
  onProblem(what: string): void;
}

/** Enough of the cluster must be whole for anything to work: of three instances, one. */
const MIN_WHOLE_INSTANCES = 1;
/** Between "everything has healed" and the next fault that is to be alone. */
const CALM_MS = 1_000;
const CALM_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** Resolves when every fault has been made and has healed. */
export async function runSchedule(deps: DrillDeps, schedule: Iterable<PlannedFault>): Promise<void> {
  const { rig, timeline, tell, signal, onProblem, untilMs } = deps;
  const isOver = (): boolean => signal.aborted || performance.now() > untilMs;
  const running = new Map<string, Promise<void>>();
  const broken = (): number => rig.instances.filter(({ state }) => state !== "up").length;

  async function begin(planned: PlannedFault): Promise<void> {
    const { of } = FAULTS[planned.kind];
    const needsWhole = of === "instance" || of === "holder" || of === "all instances";
    const fault = { ...planned, victim: of === "holder" ? holderOf(rig, planned) : planned.victim };
    const victim = victimOf(rig, fault);
    while (running.has(victim) || (needsWhole && rig.instances.length - broken() <= MIN_WHOLE_INSTANCES)) {
      await Promise.race(running.values());
      if (signal.aborted) return;
    }
    const disturbance: Disturbance = {
      kind: fault.kind,
      what: `${fault.kind} ${victim}`,
      isAlone: fault.isAlone,
      beganAtMs: performance.now(),
      healedAtMs: undefined,
    };
    timeline.disturbances.push(disturbance);
    tell(`${disturbance.what}${fault.lastsMs >= 1_000 ? ` for ${(fault.lastsMs / 1000).toFixed(1)} s` : ""}`);
    const made = MAKE_FAULT[fault.kind]({ ...deps, ...fault, disturbance })
      .catch((error: unknown) => onProblem(`${disturbance.what}: ${String(error)}`))
      .finally(() => {
        disturbance.healedAtMs = performance.now();
        running.delete(victim);
        const seconds = (disturbance.healedAtMs - disturbance.beganAtMs) / 1000;
        if (seconds >= 0.5) tell(`  ${disturbance.what} healed after ${seconds.toFixed(1)} s`);
      });
    running.set(victim, made);
  }

  for (const fault of schedule) {
    if (isOver()) break;
    if (fault.isAlone) {
      await Promise.all(running.values());
      await untilCalm(deps);
    }
    await pause(fault.waitMs, signal);
    if (isOver()) break;
    await begin(fault);
    if (FAULTS[fault.kind].isAlone) await Promise.all(running.values());
  }
  await Promise.all(running.values());
}

/** Every viewer gets output, every key its echo. Ends after a minute all the same: the verdict finds who is stuck. */
export async function untilCalm({
  rig,
  signal,
  patience,
}: Pick<DrillDeps, "rig" | "signal" | "patience">): Promise<boolean> {
  const deadline = performance.now() + CALM_TIMEOUT_MS * patience;
  for (;;) {
    const isCalm = rig.stations.every(
      ({ agent, viewers, echo }) =>
        agent.owner !== undefined && echo.waiting < 10 && viewers.every(({ silences }) => silences.silentMs < CALM_MS),
    );
    if (isCalm) return true;
    if (performance.now() > deadline || signal.aborted) return isCalm;
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Where nobody holds it, any. */
function holderOf({ stations }: Rig, { victim }: PlannedFault): number {
  return stations[victim % stations.length]?.agent.owner ?? victim;
}

function victimOf(rig: Rig, { kind, victim }: PlannedFault): string {
  const { of } = FAULTS[kind];
  const station = rig.stations[victim % rig.stations.length];
  switch (of) {
    case "instance":
    case "holder":
      return rig.instances[victim % rig.instances.length]?.name ?? "";
    case "agent":
      return station?.agent.name ?? "";
    case "viewer": {
      const viewers = station?.viewers ?? [];
      return viewers[Math.floor(victim / rig.stations.length) % viewers.length]?.name ?? "";
    }
    case "passer-by":
      return station?.passerBy.name ?? "";
    case "all instances":
    case "clock":
      return `clock of ${clockOwner(rig, { kind, victim }).name}`;
    case "canary":
    case "redis":
    case "postgres":
      return of;
    default:
      return of satisfies never;
  }
}
