// The server processes that share one database: what each says of itself, and how one is asked to end.

import type { InstanceId, RunId } from "../../../protocol/ids.ts";

export type { InstanceId, RunId };

/** up: takes everything · draining: takes nothing new · silent: has sent no heartbeat for 15 s. */
export type InstanceState = "up" | "draining" | "silent";

export interface InstanceView {
  id: InstanceId;
  version: string;
  state: InstanceState;
  startedAt: Date;
  heartbeatAt: Date;
  /** Connected to it now. */
  agents: number;
  /** Shells of those agents that run. */
  sessions: number;
  /** From an event's publication to its arrival at this instance. */
  busLagMs: number;
  /** How late its event loop was at worst in 99 of 100 looks. */
  eventLoopP99Ms: number;
}

export interface Instances {
  /** As they are now, in no order. Rejects with BACKEND_UNAVAILABLE where that can't be known. */
  list(): Promise<readonly InstanceView[]>;
  /**
   * Asks it to take nothing new and to send its sockets elsewhere; resolves once it has been asked. False where there
   * is none of this name; once is enough, again is harmless.
   */
  drain(id: InstanceId): Promise<boolean>;
}
