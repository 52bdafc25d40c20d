// What instances share, and how one hears of the others: in this process alone, or over Postgres and Redis. The rest of
// the server does not know which.

import { createAgentLocations } from "./adapters/memory/agent-locations.ts";
import { createAttemptLimits } from "./adapters/memory/attempt-limits.ts";
import type { LocalEventBus } from "./adapters/memory/event-bus.ts";
import { createOwnInstance } from "./adapters/memory/instances.ts";
import { noCalls, noRoutes } from "./adapters/memory/no-others.ts";
import { createTerminalSlots } from "./adapters/memory/terminal-slots.ts";
import { systemClock as clock } from "./adapters/node/clock.ts";
import type { AttemptRates } from "./domain/access/attempt-rates.ts";
import type { AttemptLimits } from "./domain/access/attempts.ts";
import type { AgentLocations } from "./domain/agents/locations.ts";
import type { AnswerCall, InstanceCalls } from "./domain/instances/instance-calls.ts";
import type { InstanceId, Instances, InstanceView } from "./domain/instances/instances.ts";
import type { BackplaneFigures } from "./domain/metrics.ts";
import type { TerminalSlots } from "./domain/plans/plan.ts";
import type { AcceptRoute, Routes } from "./domain/terminals/routes.ts";

export interface Backplane {
  instances: Instances & { readonly isDraining: boolean; up(): void; down(): void };
  locations: AgentLocations;
  routes: Routes;
  calls: InstanceCalls;
  slots: TerminalSlots;
  attempts: AttemptLimits;
  /** Others can ask this instance from now on. */
  start(ends: BackplaneEnds): Promise<void>;
  /** Once a second. */
  tick(): void;
  /** Undefined where there are no others. */
  figures(): BackplaneFigures | undefined;
  close(): Promise<void>;
}

/** Who does what others ask, and hears what becomes of what is shared. */
export interface BackplaneEnds {
  accept: AcceptRoute;
  answer: AnswerCall;
  /** Where agents are has been forgotten, or may have been. */
  onLocationsLost(): void;
  /** This instance was taken for dead: its agents are marked offline, and are to be claimed anew. */
  onRevived(): void;
}

/** What a backplane needs of the server that it is made for. */
export interface BackplaneDeps {
  instanceId: InstanceId;
  version: string;
  events: LocalEventBus;
  rates: AttemptRates;
  load: () => Pick<InstanceView, "agents" | "sessions" | "eventLoopP99Ms">;
  /** Once, at the first drain. */
  onDrain: () => void;
}

/** One process, and everything within it. */
export function createSingleBackplane({ instanceId, version, events, rates, load, onDrain }: BackplaneDeps): Backplane {
  const instances = createOwnInstance({ clock, events, own: { id: instanceId, version }, load, onDrain });
  return {
    instances,
    locations: createAgentLocations(),
    routes: noRoutes,
    calls: noCalls,
    attempts: createAttemptLimits({ clock, rates }),
    slots: createTerminalSlots((userId) => events.publish({ type: "limits.changed", userId })),
    start: async () => {},
    tick: () => instances.beat(),
    figures: () => undefined,
    close: async () => {},
  };
}
