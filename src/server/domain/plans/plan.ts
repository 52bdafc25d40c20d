// Plans: how many agents a user may register, and on how many to have terminals open at once.

import type { User } from "../access/identity.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";
import type { AgentId, ConnectionId, ShareId, UserId } from "../../../protocol/ids.ts";

export interface Plan {
  name: string;
  maxAgents: number;
  maxTerminalAgents: number;
}

/** What the migrations store; an operator can change them. */
export const DEFAULT_PLANS: readonly Plan[] = [
  { name: "guest", maxAgents: 0, maxTerminalAgents: 0 },
  { name: "free", maxAgents: 5, maxTerminalAgents: 5 },
  { name: "pro", maxAgents: 10, maxTerminalAgents: 10 },
  { name: "enterprise", maxAgents: 25, maxTerminalAgents: 25 },
];

/** The limits that hold for one user; "unlimited" for admins. */
export type EffectiveLimits = { kind: "unlimited" } | { kind: "limited"; maxAgents: number; maxTerminalAgents: number };

/** What a user may have and what they have registered, as of one moment. */
export interface PlanUsage {
  user: User;
  limits: EffectiveLimits;
  agentsUsed: number;
}

export interface UsageFilter {
  userId?: UserId;
  /** One of these. */
  userIds?: readonly UserId[];
  plan?: string;
  /** Whether another agent would be refused. */
  full?: boolean;
}

export type UsageOrder = "user_id" | "agents_used";

export interface PlanStore {
  get(name: string): Promise<Plan | undefined>;
  /** All of them: there are few, each made by an operator's hand. */
  list(): Promise<readonly Plan[]>;
  /** Creates the plan or changes its numbers. */
  set(plan: Plan, audit: AuditRecord): Promise<void>;
  /** How many agents the user has registered. */
  countAgents(userId: UserId): Promise<number>;
  /** Undefined where there is no such user. */
  usage(userId: UserId): Promise<PlanUsage | undefined>;
  listUsage(query: PageQuery<UsageFilter, UsageOrder>): Promise<Page<PlanUsage>>;
}

/** An unknown plan allows nothing; an active subscription gives at least what "pro" gives. */
export function effectiveLimits(user: User, plan: Plan | undefined, pro: Plan | undefined): EffectiveLimits {
  if (user.admin) return { kind: "unlimited" };
  const floor = user.subscriptionActive ? pro : undefined;
  return {
    kind: "limited",
    maxAgents: Math.max(plan?.maxAgents ?? 0, floor?.maxAgents ?? 0),
    maxTerminalAgents: Math.max(plan?.maxTerminalAgents ?? 0, floor?.maxTerminalAgents ?? 0),
  };
}

/**
 * Which agents a user has terminals on, over all instances: several connections on one agent take one slot. And how many
 * guests each share has: every connection takes one, and none of its user's.
 */
export interface TerminalSlots {
  /** Atomic. `limit` undefined: unlimited. Rejects with BACKEND_UNAVAILABLE where the count can't be known. */
  acquire(slot: TerminalSlot | GuestSlot, limit: number | undefined): Promise<SlotAnswer>;
  /** What acquire would answer now, taking nothing: two who only ask must not stand in each other's way. */
  check(slot: Omit<TerminalSlot, "connectionId">, limit: number | undefined): Promise<SlotAnswer>;
  release(slot: TerminalSlot | GuestSlot): Promise<void>;
  used(holder: UserId | ShareId): Promise<number>;
}

export type SlotAnswer = { granted: true } | { granted: false; used: number };

export interface TerminalSlot {
  userId: UserId;
  agentId: AgentId;
  connectionId: ConnectionId;
}

export interface GuestSlot {
  shareId: ShareId;
  connectionId: ConnectionId;
}

/** Who has it, and what is counted of that holder: each agent once, each guest once. */
export function slotKey(slot: TerminalSlot | GuestSlot): {
  holder: UserId | ShareId;
  counted: AgentId | ConnectionId;
} {
  return "shareId" in slot
    ? { holder: slot.shareId, counted: slot.connectionId }
    : { holder: slot.userId, counted: slot.agentId };
}
