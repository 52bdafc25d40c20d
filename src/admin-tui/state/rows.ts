// What the screens show, one row a thing. Every text in them has been made harmless: screens draw them as they are.

export type AgentState = "registered" | "online" | "suspect" | "offline";

/** The latest report of a machine's load, and the ones before it, oldest first. A figure that was not measured is NaN. */
export interface Load {
  measuredAtMs: number;
  cpu: number;
  memory: number;
  disk: number;
  cpuHistory: readonly number[];
  memoryHistory: readonly number[];
  diskHistory: readonly number[];
}

export interface Machine {
  hostname: string;
  cpuCount: number;
  memoryBytes: number;
  diskBytes: number;
  region: string;
  virtualization: string;
  isRoot: boolean;
  hasSudo: boolean;
}

export interface AgentRow {
  id: string;
  name: string;
  /** As the server has it, for those who change it. */
  rawName: string;
  description: string;
  state: AgentState;
  userId: string;
  platform: string;
  distro: string;
  arch: string;
  shell: string;
  version: string;
  tags: readonly string[];
  isLocked: boolean;
  instanceId: string;
  createdAtMs: number;
  connectedAtMs: number | undefined;
  seenAtMs: number | undefined;
  machine: Machine | undefined;
  load: Load | undefined;
}

export interface ViewerRow {
  /** Of a guest: who shares. */
  userId: string;
  isGuest: boolean;
  isReadOnly: boolean;
  protocol: string;
  instanceId: string;
  joinedAtMs: number;
}

/** Rates are bytes a second since the figures before; NaN where there are none. */
export interface Traffic {
  /** When these figures came. */
  atMs: number;
  outputBytes: number;
  inputBytes: number;
  outputRate: number;
  inputRate: number;
  /** Oldest first. */
  outputHistory: readonly number[];
}

export interface SessionRow {
  /** "AGENT/SESSION": a session's own id is unique within its agent only. */
  id: string;
  agentId: string;
  sessionId: string;
  /** "exec": one program, without a terminal. */
  kind: "main" | "split" | "exec";
  userId: string;
  startedAtMs: number;
  viewers: readonly ViewerRow[];
  cols: number;
  rows: number;
  lastInputAtMs: number | undefined;
  lastOutputAtMs: number | undefined;
  traffic: Traffic;
}

export interface LimitsRow {
  /** The user's id. */
  id: string;
  plan: string;
  agentsUsed: number;
  agentsLimit: number;
  /** Undefined where the store that counts is not there. */
  terminalAgentsUsed: number | undefined;
  terminalAgentsLimit: number;
  isExempt: boolean;
}

/** gap: what happened between the rows beside it can't be told. */
export interface EventRow {
  id: string;
  kind: "event" | "gap";
  sequence: number;
  atMs: number;
  type: string;
  subject: string;
  actor: string;
  userId: string;
  detail: string;
}

export type InstanceState = "up" | "draining" | "silent";

export interface InstanceRow {
  id: string;
  version: string;
  state: InstanceState;
  startedAtMs: number;
  heartbeatAtMs: number | undefined;
  agents: number;
  sessions: number;
  busLagMs: number;
  loopP99Ms: number;
}

export interface TokenRow {
  id: string;
  name: string;
  prefix: string;
  scopes: readonly string[];
  agentId: string;
  userId: string;
  createdAtMs: number;
  expiresAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  revokedAtMs: number | undefined;
}

export interface UserRow {
  id: string;
  name: string;
  email: string;
  plan: string;
  isAdmin: boolean;
}

export interface PlanRow {
  name: string;
  maxAgents: number;
  maxTerminalAgents: number;
}
