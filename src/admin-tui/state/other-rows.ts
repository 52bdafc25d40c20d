// Limits, events, instances, tokens, users and plans as rows.

import type { Event } from "../../gen/rexec/event/v1/event_service.ts";
import { type Instance, InstanceState as State } from "../../gen/rexec/instance/v1/instance_service.ts";
import type { Limits, Plan } from "../../gen/rexec/plan/v1/plan_service.ts";
import { type Token, TokenScope } from "../../gen/rexec/token/v1/token_service.ts";
import type { User } from "../../gen/rexec/user/v1/user_service.ts";
import { harmless } from "../../text/harmless.ts";
import type { EventRow, InstanceRow, InstanceState, LimitsRow, PlanRow, TokenRow, UserRow } from "./rows.ts";

export function limitsRow(limits: Limits): LimitsRow {
  return {
    id: harmless(limits.userId),
    plan: harmless(limits.plan),
    agentsUsed: limits.agentsUsed,
    agentsLimit: limits.agentsLimit,
    terminalAgentsUsed: limits.terminalAgentsUsed,
    terminalAgentsLimit: limits.terminalAgentsLimit,
    isExempt: limits.exempt,
  };
}

export function eventRow(event: Event): EventRow {
  return {
    id: String(event.sequence),
    kind: "event",
    sequence: event.sequence,
    atMs: event.time?.getTime() ?? 0,
    type: harmless(event.type),
    subject: harmless(event.subject),
    actor: harmless(event.actor),
    userId: harmless(event.userId),
    detail: Object.entries(event.detail)
      .map(([name, value]) => harmless(`${name}=${value}`))
      .join(" "),
  };
}

const INSTANCE_STATES = new Map<State, InstanceState>([
  [State.INSTANCE_STATE_UP, "up"],
  [State.INSTANCE_STATE_DRAINING, "draining"],
  [State.INSTANCE_STATE_SILENT, "silent"],
]);

export function instanceRow(instance: Instance): InstanceRow {
  return {
    id: harmless(instance.id),
    version: harmless(instance.version),
    state: INSTANCE_STATES.get(instance.state) ?? "silent",
    startedAtMs: instance.startedAt?.getTime() ?? 0,
    heartbeatAtMs: instance.heartbeatAt?.getTime(),
    agents: instance.agents,
    sessions: instance.sessions,
    busLagMs: instance.busLagMs,
    loopP99Ms: instance.eventLoopP99Ms,
  };
}

const SCOPES = new Map<TokenScope, string>([
  [TokenScope.TOKEN_SCOPE_AGENT, "agent"],
  [TokenScope.TOKEN_SCOPE_READ, "read"],
  [TokenScope.TOKEN_SCOPE_WRITE, "write"],
  [TokenScope.TOKEN_SCOPE_ADMIN, "admin"],
]);

export function tokenRow(token: Token): TokenRow {
  return {
    id: harmless(token.id),
    name: harmless(token.name),
    prefix: harmless(token.prefix),
    scopes: token.scopes.map((scope) => SCOPES.get(scope) ?? "unknown"),
    agentId: harmless(token.agentId),
    userId: harmless(token.userId),
    createdAtMs: token.createdAt?.getTime() ?? 0,
    expiresAtMs: token.expiresAt?.getTime(),
    lastUsedAtMs: token.lastUsedAt?.getTime(),
    revokedAtMs: token.revokedAt?.getTime(),
  };
}

export function userRow(user: User): UserRow {
  return {
    id: harmless(user.id),
    name: harmless(user.username || user.email),
    email: harmless(user.email),
    plan: harmless(user.plan),
    isAdmin: user.admin,
  };
}

export function planRow(plan: Plan): PlanRow {
  return { name: harmless(plan.name), maxAgents: plan.maxAgents, maxTerminalAgents: plan.maxTerminalAgents };
}
