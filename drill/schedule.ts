// What happens to whom, and in which order: made of the seed before anything starts. When each fault begins is up to the
// cluster, too: some wait until what was broken before has healed. So a slow machine comes less far, in the same order.

import { FAULT_KINDS, FAULTS, type FaultKind } from "./fault-kinds.ts";
import type { Random } from "./random.ts";

export interface PlannedFault {
  kind: FaultKind;
  /** Of those that this kind is done to, modulo how many there are. */
  victim: number;
  /** After the one before it began. */
  waitMs: number;
  lastsMs: number;
  /** It begins when everything before has healed. */
  isAlone: boolean;
}

export interface ScheduleOptions {
  minutes: number;
  kills: number | undefined;
  /** Empty: all. */
  only: readonly FaultKind[];
}

const VICTIMS = 60; // Any number of victims from 1 to 6 divides it: none is preferred.

export function makeSchedule(random: Random, options: ScheduleOptions): PlannedFault[] {
  return options.kills === undefined ? mixed(random, options) : kills(random, options.kills);
}

function kills(random: Random, count: number): PlannedFault[] {
  return Array.from({ length: count }, () => ({
    kind: random.next() < 0.7 ? "kill-holder" : "kill",
    victim: random.between(0, VICTIMS - 1),
    waitMs: random.between(1_000, 6_000),
    lastsMs: random.between(0, 3_000),
    isAlone: true,
  }));
}

function mixed(random: Random, { minutes, only }: ScheduleOptions): PlannedFault[] {
  const kinds = FAULT_KINDS.filter((kind) => (only.length === 0 ? isPossible(kind, minutes) : only.includes(kind)));
  const schedule: PlannedFault[] = [];
  // Every kind once before any comes twice, as far as the time goes: a short drill is not all kills.
  let due: FaultKind[] = [];
  for (let atMs = 0; atMs < minutes * 60_000; ) {
    if (due.length === 0) due = weighted(random, kinds);
    const kind = due.shift() as FaultKind;
    const { seconds, isAlone } = FAULTS[kind];
    const fault = {
      kind,
      victim: random.between(0, VICTIMS - 1),
      waitMs: random.between(500, 6_000),
      lastsMs: random.between(seconds[0] * 1_000, seconds[1] * 1_000),
      isAlone: isAlone === true || random.next() < 0.4,
    };
    schedule.push(fault);
    atMs += fault.waitMs + (fault.isAlone ? fault.lastsMs : 0);
  }
  return schedule;
}

function isPossible(kind: FaultKind, minutes: number): boolean {
  return (FAULTS[kind].minMinutes ?? 0) <= minutes;
}

/** All kinds in a random order, then each as often more as it weighs. */
function weighted(random: Random, kinds: readonly FaultKind[]): FaultKind[] {
  const more = kinds.flatMap((kind) => Array.from({ length: FAULTS[kind].weight - 1 }, () => kind));
  return [...random.shuffle(kinds), ...random.shuffle(more)];
}
