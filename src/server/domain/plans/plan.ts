// Plans: how many agents a user may register, and on how many to have terminals open at once.

import type { User } from "../access/identity.ts";
import type { AgentId, ConnectionId, UserId } from "../../../protocol/ids.ts";

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

export interface PlanStore {
  get(name: string): Promise<Plan | undefined>;
  /** How many agents the user has registered. */
  countAgents(userId: UserId): Promise<number>;
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

/** Which agents a user has terminals on, over all instances. Several connections on one agent take one slot. */
export interface TerminalSlots {
  /** Atomic. `limit` undefined: unlimited. Rejects with BACKEND_UNAVAILABLE where the count can't be known. */
  acquire(slot: TerminalSlot, limit: number | undefined): Promise<{ granted: true } | { granted: false; used: number }>;
  release(slot: TerminalSlot): Promise<void>;
  used(userId: UserId): Promise<number>;
}

export interface TerminalSlot {
  userId: UserId;
  agentId: AgentId;
  connectionId: ConnectionId;
}
