// The instances, when there is one only: this process.

import type { Clock } from "../../domain/clock.ts";
import type { EventBus } from "../../domain/events/events.ts";
import type { Instances, InstanceView } from "../../domain/instances/instances.ts";

export interface OwnInstanceDeps {
  clock: Clock;
  events: Pick<EventBus, "publish">;
  own: Pick<InstanceView, "id" | "version">;
  /** What changes, read when it is asked for. */
  load(): Pick<InstanceView, "agents" | "sessions" | "eventLoopP99Ms">;
  /** Called once, at the first drain. */
  onDrain(): void;
}

export interface OwnInstance extends Instances {
  readonly isDraining: boolean;
  /** It serves. */
  up(): void;
  /** It has ended. */
  down(): void;
  /** Once a second: this process still runs its timers. */
  beat(): void;
}

/** What an instance says of itself changes all the time: those who watch get it this often. */
const TOLD_EVERY_MS = 5_000;

export function createOwnInstance(deps: OwnInstanceDeps): OwnInstance {
  const { clock, events, own } = deps;
  const startedAt = new Date(clock.now());
  let heartbeatAt = startedAt;
  let toldAtMs = clock.monotonicMs();
  let isDraining = false;

  return {
    get isDraining() {
      return isDraining;
    },
    up() {
      events.publish({ type: "instance.up", instanceId: own.id });
    },
    down() {
      events.publish({ type: "instance.down", instanceId: own.id });
    },
    beat() {
      heartbeatAt = new Date(clock.now());
      const nowMs = clock.monotonicMs();
      if (nowMs - toldAtMs < TOLD_EVERY_MS) return;
      toldAtMs = nowMs;
      events.publish({ type: "instance.beat", instanceId: own.id });
    },
    // Who reads this hears it from the process itself: it can't be silent. Events arrive within the call that publishes.
    async list() {
      const state = isDraining ? "draining" : "up";
      return [{ ...own, ...deps.load(), state, startedAt, heartbeatAt, busLagMs: 0 }];
    },
    async drain(id) {
      if (id !== own.id) return false;
      if (isDraining) return true;
      isDraining = true;
      events.publish({ type: "instance.draining", instanceId: own.id });
      deps.onDrain();
      return true;
    },
  };
}
