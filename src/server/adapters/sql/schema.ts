// The tables as kysely sees them; migrations/ makes them.

import type { ColumnType, Generated, GeneratedAlways } from "kysely";
import type {
  AgentId,
  ConnectionId,
  EnrollmentCodeId,
  InstanceId,
  RecordingId,
  RunId,
  SessionId,
  ShareId,
  TokenId,
  UserId,
} from "../../../protocol/ids.ts";
import type { Scope } from "../../domain/access/identity.ts";
import type { RecordingCause } from "../../domain/recordings/recording.ts";
import type { ShareAccess } from "../../domain/shares/share.ts";
import type { AgentStats, AgentStatus, SystemInfo } from "../../domain/agents/agent.ts";

/** Parsed when read, text when written: the drivers disagree on which JavaScript values are JSON. */
type Json<Stored> = ColumnType<Stored, string | undefined, string>;

/** JSON knows no Date, and no undefined. */
export type StoredStats = { measuredAt: string } & {
  [Field in keyof Omit<AgentStats, "measuredAt">]?: number | null;
};

export interface PlanTable {
  name: string;
  max_agents: number;
  max_terminal_agents: number;
}

export interface UserTable {
  id: UserId;
  email: string;
  username: string;
  plan: string;
  subscription_active: Generated<boolean>;
  admin: Generated<boolean>;
  mfa_enrolled: Generated<boolean>;
  agent_count: Generated<number>;
  created_at: Generated<Date>;
  request_id: string | null;
  search: Generated<string>;
}

export interface AgentTable {
  id: AgentId;
  user_id: UserId;
  name: string;
  name_search: string;
  description: string;
  os: string;
  arch: string;
  shell: string;
  distro: Generated<string>;
  version: Generated<string>;
  tags: string[];
  status: Generated<AgentStatus>;
  mfa_locked: Generated<boolean>;
  mfa_locked_at: Date | null;
  record_sessions: Generated<boolean>;
  epoch: Generated<number>;
  instance_id: InstanceId | null;
  system_info: Json<SystemInfo | null>;
  stats: Json<StoredStats | null>;
  request_id: string | null;
  created_at: Date;
  updated_at: Date;
  connected_at: Date | null;
  last_seen_at: Date | null;
}

export interface ApiTokenTable {
  id: TokenId;
  user_id: UserId;
  agent_id: AgentId | null;
  origin: "registration" | "created";
  name: string;
  hash: string;
  prefix: string;
  scopes: Scope[];
  request_id: string | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

export interface UserMfaTable {
  user_id: UserId;
  /** Sealed: the key's id, and what only that key opens for this user. */
  secret: string;
  confirmed_at: Date | null;
  last_step: number | null;
  failed_attempts: Generated<number>;
  locked_until: Date | null;
}

export interface MfaRecoveryCodeTable {
  user_id: UserId;
  hash: string;
  used_at: Date | null;
}

export interface MfaGrantTable {
  user_id: UserId;
  agent_id: AgentId;
  sid: string;
  until: Date;
}

export interface AuditLogTable {
  sequence: GeneratedAlways<number>;
  at: Date;
  type: string;
  subject: string;
  actor: string;
  user_id: UserId | null;
  detail: Json<Record<string, string>>;
  record_id: string | null;
  era: GeneratedAlways<number>;
  /** xid8, as decimal digits. */
  transaction: GeneratedAlways<string>;
}

export interface InstanceTable {
  run: RunId;
  id: InstanceId;
  version: string;
  peer_url: string | null;
  draining: boolean;
  started_at: Date;
  beats: Generated<number>;
  heartbeat_at: Generated<Date>;
  agents: number;
  sessions: number;
  bus_lag_ms: number;
  event_loop_p99_ms: number;
}

export interface RecordingTable {
  id: RecordingId;
  agent_id: AgentId;
  agent_name: string;
  session_id: SessionId;
  user_id: UserId;
  cause: RecordingCause;
  started_by: UserId | null;
  started_at: Date;
  ended_at: Date | null;
  end_reason: Generated<string>;
  boot_id: string | null;
  stream: number | null;
  cols: Generated<number>;
  rows: Generated<number>;
  last_cols: Generated<number>;
  last_rows: Generated<number>;
  end_offset: number | null;
  duration_ms: Generated<number>;
  size_bytes: Generated<number>;
  stored_bytes: Generated<number>;
  gaps: Generated<number>;
  lost_bytes: Generated<number>;
  segments: Generated<number>;
}

export interface RecordingSegmentTable {
  recording_id: RecordingId;
  number: number;
  key: string;
  stored_bytes: number;
}

export interface ShareTable {
  id: ShareId;
  user_id: UserId;
  agent_id: AgentId;
  session_id: SessionId;
  session_started_at: Date;
  access: ShareAccess;
  max_viewers: number;
  hash: string;
  token_hash: string | null;
  request_id: string | null;
  created_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
  opened: Generated<number>;
  last_opened_at: Date | null;
}

/** A view: each share with its end as it is now. */
export interface ShareNowView extends ShareTable {
  ends_at: Date;
  is_revoked: boolean;
}

export interface TerminalSlotTable {
  connection_id: ConnectionId;
  user_id: UserId;
  agent_id: AgentId;
  run: RunId;
}

export interface EnrollmentCodeTable {
  id: EnrollmentCodeId;
  user_id: UserId;
  token_id: TokenId | null;
  hash: string;
  name: string;
  tags: string[];
  request_id: string | null;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  agent_id: AgentId | null;
  used_by_request: string | null;
}

export interface Schema {
  plans: PlanTable;
  users: UserTable;
  agents: AgentTable;
  api_tokens: ApiTokenTable;
  audit_log: AuditLogTable;
  user_mfa: UserMfaTable;
  mfa_recovery_codes: MfaRecoveryCodeTable;
  mfa_grants: MfaGrantTable;
  instances: InstanceTable;
  terminal_slots: TerminalSlotTable;
  recordings: RecordingTable;
  recording_segments: RecordingSegmentTable;
  enrollment_codes: EnrollmentCodeTable;
  shares: ShareTable;
  shares_now: ShareNowView;
}
