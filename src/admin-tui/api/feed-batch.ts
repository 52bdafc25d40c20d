// What all feeds have told since it was last taken.

import type { Agent } from "../../gen/rexec/agent/v1/agent_service.ts";
import type { AgentStats } from "../../gen/rexec/agent/v1/machine.ts";
import type { Event } from "../../gen/rexec/event/v1/event_service.ts";
import type { Instance } from "../../gen/rexec/instance/v1/instance_service.ts";
import type { Limits } from "../../gen/rexec/plan/v1/plan_service.ts";
import type { Session } from "../../gen/rexec/session/v1/session_service.ts";
import type { FeedChanges } from "../state/feed-messages.ts";
import { MAX_EVENTS } from "../state/model.ts";
import { DeltaBuffer } from "./delta-buffer.ts";

export class FeedBatch {
  readonly agents = new DeltaBuffer<Agent>();
  readonly sessions = new DeltaBuffer<Session>();
  readonly limits = new DeltaBuffer<Limits>();
  readonly instances = new DeltaBuffer<Instance>();
  #stats = new Map<string, AgentStats>();
  #events: (Event | "gap")[] = [];

  addStats(agentId: string, stats: AgentStats): void {
    this.#stats.set(agentId, stats);
  }

  /** At the bound the oldest go, and a gap says so. */
  addEvent(event: Event | "gap"): void {
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events = ["gap", ...this.#events.slice(2)];
  }

  /** What has happened before. */
  addPastEvents(events: readonly Event[]): void {
    this.#events.unshift(...events);
  }

  /** Undefined where nothing has been told. */
  take(): FeedChanges | undefined {
    const deltas = {
      agents: this.agents.take(),
      sessions: this.sessions.take(),
      limits: this.limits.take(),
      instances: this.instances.take(),
      stats: this.#stats.size > 0 ? this.#stats : undefined,
      events: this.#events.length > 0 ? this.#events : undefined,
    };
    this.#stats = new Map();
    this.#events = [];
    return Object.values(deltas).some((delta) => delta !== undefined) ? deltas : undefined;
  }
}
