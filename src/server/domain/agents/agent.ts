// An agent as the domain knows it, and the port to where agents are kept.

import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import type { Page, PageQuery } from "../page.ts";
import type { AuditRecord } from "../events/audit.ts";

/**
 * registered: created, never connected · online: its socket answers · suspect: a heartbeat is missing ·
 * offline: no socket, or silent for 45 s.
 */
export type AgentStatus = "registered" | "online" | "suspect" | "offline";

/** By the last word of whoever held it, which may be a moment old: nobody has said that it went. */
export function isSaidToBeConnected({ status }: Pick<Agent, "status">): boolean {
  return status === "online" || status === "suspect";
}

/** Which agent, and whose: all that is kept of one for as long as it is connected. */
export interface AgentRef {
  readonly id: AgentId;
  readonly userId: UserId;
}

export interface Agent {
  id: AgentId;
  userId: UserId;
  name: string;
  description: string;
  os: string;
  arch: string;
  /** Absolute path; "" for the user's login shell. */
  shell: string;
  distro: string;
  tags: readonly string[];
  status: AgentStatus;
  mfaLocked: boolean;
  /** Whatever runs on it is recorded. */
  recordSessions: boolean;
  /** Set while it is locked. */
  mfaLockedAt?: Date;
  /** Of the last connection that was written; 0 before the first. */
  epoch: number;
  createdAt: Date;
  updatedAt: Date;
  connectedAt?: Date;
  lastSeenAt?: Date;
  version: string;
  systemInfo?: SystemInfo;
  stats?: AgentStats;
  /** The instance that holds its socket, while there is one. */
  instanceId?: InstanceId;
}

export interface SystemInfo {
  hostname: string;
  os: string;
  arch: string;
  distro: string;
  cpuCount: number;
  memoryTotalBytes: number;
  memoryAvailableBytes: number;
  memoryFreeBytes: number;
  diskTotalBytes: number;
  diskAvailableBytes: number;
  diskFreeBytes: number;
  region: string;
  virtualization: string;
  isRoot: boolean;
  hasSudo: boolean;
}

/** What a machine still is in a minute, as the audit log keeps it: not how much of its memory is free. */
export function lastingFacts({ hostname, os, arch, distro, cpuCount }: SystemInfo): Readonly<Record<string, string>> {
  return { hostname, os, arch, distro, cpus: String(cpuCount) };
}

/** Whether these are the lasting facts of one machine. */
export function isSameMachine(one: SystemInfo | undefined, other: SystemInfo): boolean {
  return one !== undefined && JSON.stringify(lastingFacts(one)) === JSON.stringify(lastingFacts(other));
}

/** What could not be measured is undefined. */
export interface AgentStats {
  measuredAt: Date;
  cpuPercent?: number | undefined;
  memoryUsedBytes?: number | undefined;
  memoryTotalBytes?: number | undefined;
  diskUsedBytes?: number | undefined;
  diskTotalBytes?: number | undefined;
}

export interface AgentFilter {
  /** Only this owner's. */
  userId?: UserId;
  status?: AgentStatus;
  os?: string;
  /** All of them. */
  tags?: readonly string[];
  /** Within the name, any case. */
  nameContains?: string;
}

export type AgentOrder = "name" | "created_at" | "last_seen_at";

/** Fields of an agent that its owner may change. */
export interface AgentChanges {
  name?: string;
  description?: string;
  shell?: string;
  tags?: readonly string[];
  recordSessions?: boolean;
}

/** What a connecting agent says of itself. Fields left out stay as they are. */
export interface ConnectionFacts {
  os?: string;
  arch?: string;
  shell?: string;
  distro?: string;
  version?: string;
  systemInfo?: SystemInfo;
}

export interface NewAgent {
  id: AgentId;
  userId: UserId;
  name: string;
  description: string;
  os: string;
  arch: string;
  shell: string;
  tags: readonly string[];
  requestId?: string;
}

/** The agent's token, as it is stored: the secret itself is never here. */
export interface NewAgentToken {
  id: string;
  name: string;
  hash: string;
  prefix: string;
}

export type RegisterResult =
  | { outcome: "created"; agent: Agent }
  /** The request id was known: this is what it made; its token has been replaced by the new one. */
  | { outcome: "repeated"; agent: Agent; revokedTokenHashes: readonly string[] }
  | { outcome: "limit_reached"; limit: number; used: number }
  | { outcome: "not_in_plan"; used: number }
  | { outcome: "name_taken" }
  /** The request id is that of an agent that is locked now: its token is not to be had for the asking. */
  | { outcome: "mfa_required" };

/** Rejections of every method are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. */
export interface AgentStore {
  /**
   * One transaction: counts the owner's agents against the limit of the owner's plan (read in the same transaction;
   * an active subscription gives at least "pro"; admins are exempt), then stores agent, token and audit record.
   * Exact under any concurrency: the conditional `UPDATE users SET agent_count = agent_count + 1 WHERE agent_count < limit`
   * does the counting (measured: INSERT … SELECT … WHERE limit > count(*) exceeds its limit under load).
   */
  register(agent: NewAgent, token: NewAgentToken, audit: AuditRecord): Promise<RegisterResult>;
  get(id: AgentId): Promise<Agent | undefined>;
  /** Those that are there, in any order. */
  getMany(ids: readonly AgentId[]): Promise<readonly Agent[]>;
  list(query: PageQuery<AgentFilter, AgentOrder>): Promise<Page<Agent>>;
  /** "name_taken" where another agent of the owner has that name; undefined where the agent is gone. */
  update(id: AgentId, changes: AgentChanges, audit: AuditRecord): Promise<Agent | "name_taken" | undefined>;
  /** Deletes the agent and its tokens and gives its place in the plan back. Returns the hashes of the tokens that went;
   * undefined where there was no such agent. */
  delete(id: AgentId, audit: AuditRecord): Promise<{ tokenHashes: readonly string[] } | undefined>;

  /** False where there is no such agent (any more). */
  markConnected(
    id: AgentId,
    at: Date,
    facts: ConnectionFacts,
    where: { instanceId: InstanceId; epoch: number },
  ): Promise<boolean>;
  /** Changes nothing where a later epoch has taken over. */
  markDisconnected(id: AgentId, at: Date, where: { instanceId: InstanceId; epoch: number }): Promise<void>;
  /** One statement for many agents. */
  markSeen(seen: readonly { id: AgentId; at: Date; status: "online" | "suspect" }[]): Promise<void>;
  saveSystemInfo(id: AgentId, info: SystemInfo): Promise<void>;
  saveStats(id: AgentId, stats: AgentStats): Promise<void>;
  /** At start: what this instance held when it last ran is not online now. */
  markAllOffline(instanceId: InstanceId, at: Date): Promise<number>;
}
