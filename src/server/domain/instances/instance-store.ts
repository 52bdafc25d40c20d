// Where the instances that share a database say that they live, and what becomes of the things of one that does not.

import type { AgentId, InstanceId, RunId, UserId } from "../../../protocol/ids.ts";

/** What changes over an instance's life. */
export interface InstanceFigures {
  draining: boolean;
  agents: number;
  sessions: number;
  busLagMs: number;
  eventLoopP99Ms: number;
}

export interface InstanceEntry extends InstanceFigures {
  run: RunId;
  /** The configured one: it outlives restarts. */
  id: InstanceId;
  version: string;
  /** Where other instances reach it directly; unset where they can't. */
  peerUrl?: string;
  startedAt: Date;
}

export interface StoredInstance extends InstanceEntry {
  /** Grows with every heartbeat. */
  beats: number;
  /** By the database's clock: for people to read, nothing is decided by it. */
  heartbeatAt: Date;
}

export interface OfflineAgent {
  id: AgentId;
  userId: UserId;
}

/** What an instance that is gone has left behind. */
export interface Departure {
  /** Were marked as connected to it, and are offline now. */
  agents: readonly OfflineAgent[];
  /** Had terminals open through it; their slots are free. */
  users: readonly UserId[];
}

/** Every method rejects with BACKEND_UNAVAILABLE where the database can't be asked. */
export interface InstanceStore {
  /** A process starts. It succeeds whoever had its instance id before, and returns what those left behind. */
  enter(self: InstanceEntry): Promise<Departure>;
  /** The same process after it was declared dead. A successor that has started meanwhile stays. */
  reenter(self: InstanceEntry): Promise<void>;
  /** "declared_dead": its row is gone, for it could not write in time. */
  beat(run: RunId, figures: InstanceFigures): Promise<"alive" | "declared_dead">;
  list(): Promise<readonly StoredInstance[]>;
  /** Compare-and-delete: undefined where it has beaten since, or is gone already. */
  declareDead(seen: Pick<StoredInstance, "run" | "beats">): Promise<Departure | undefined>;
  /** It ends in order. Undefined where it was declared dead before. */
  leave(run: RunId): Promise<Departure | undefined>;
  /** Agents that are marked as connected to an instance of which there is no row; returns those that were. */
  markOrphansOffline(): Promise<readonly OfflineAgent[]>;
}
