// The other instances as they were seen, and what has changed of them from one look to the next, as events.

import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import type { DomainEvent } from "../events/events.ts";
import type { StoredInstance } from "./instance-store.ts";
import type { InstanceState, InstanceView } from "./instances.ts";

export interface ObservedInstance extends StoredInstance {
  state: InstanceState;
}

/** Of two lives under one id, the one that started last. */
export function newestOfEach(rows: readonly StoredInstance[]): StoredInstance[] {
  const oldestFirst = rows.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  return [...new Map(oldestFirst.map((row) => [row.id, row])).values()];
}

export function toView(instance: Omit<ObservedInstance, "beats">): InstanceView {
  const { id, version, state, startedAt, heartbeatAt, agents, sessions, busLagMs, eventLoopP99Ms } = instance;
  return { id, version, state, startedAt, heartbeatAt, agents, sessions, busLagMs, eventLoopP99Ms };
}

interface Told {
  run: RunId;
  draining: boolean;
  state: InstanceState;
  beats: number;
  atMs: number;
}

type InstanceEvent = Extract<DomainEvent, { type: `instance.${string}` }>;

/** Figures change with every heartbeat: those who watch get them this often. */
const TELL_FIGURES_EVERY_MS = 5_000;

export class ObservedChanges {
  #told: Map<InstanceId, Told> | undefined;

  /** One of each id. The first look tells nothing: who can watch has not seen anything else. */
  since(instances: readonly ObservedInstance[], nowMs: number): InstanceEvent[] {
    const before = this.#told;
    this.#told = new Map();
    const events: InstanceEvent[] = [];
    for (const instance of instances) {
      const told = before?.get(instance.id);
      const types = before === undefined ? [] : typesOf(told, instance, nowMs);
      for (const type of types) events.push({ type, instanceId: instance.id });
      const { run, draining, state, beats } = instance;
      const isFresh = told === undefined || types.length > 0;
      this.#told.set(instance.id, isFresh ? { run, draining, state, beats, atMs: nowMs } : told);
    }
    for (const id of before?.keys() ?? []) {
      if (!this.#told.has(id)) events.push({ type: "instance.down", instanceId: id });
    }
    return events;
  }

  /** It is known to be gone, and that has been told. */
  forget(id: InstanceId): void {
    this.#told?.delete(id);
  }
}

function typesOf(told: Told | undefined, now: ObservedInstance, nowMs: number): InstanceEvent["type"][] {
  const begun: InstanceEvent["type"][] = now.draining ? ["instance.up", "instance.draining"] : ["instance.up"];
  if (told === undefined) return begun;
  if (told.run !== now.run) return ["instance.down", ...begun];
  if (now.draining && !told.draining) return ["instance.draining"];
  if (now.state !== told.state) return ["instance.beat"];
  const isDue = now.beats !== told.beats && nowMs - told.atMs >= TELL_FIGURES_EVERY_MS;
  return isDue ? ["instance.beat"] : [];
}
