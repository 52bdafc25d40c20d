// Limits, events, instances, tokens, users and plans as rows.

import type { Event } from "../../gen/rexec/event/v1/event_service.ts";
import { type Instance, InstanceState as State } from "../../gen/rexec/instance/v1/instance_service.ts";
import type { Limits, Plan } from "../../gen/rexec/plan/v1/plan_service.ts";
import { type Token, TokenScope } from "../../gen/rexec/token/v1/token_service.ts";
import type { User } from "../../gen/rexec/user/v1/user_service.ts";
import { drawable, drawableId } from "./drawable.ts";
import type { EventRow, InstanceRow, InstanceState, LimitsRow, PlanRow, TokenRow, UserRow } from "./rows.ts";

export function limitsRow(limits: Limits): LimitsRow {
  return {
    id: drawableId(limits.userId),
    plan: drawable(limits.plan),
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
    type: drawable(event.type),
    subject: drawable(event.subject),
    actor: drawable(event.actor),
    userId: drawableId(event.userId),
    detail: Object.entries(event.detail)
      .map(([name, value]) => drawable(`${name}=${value}`))
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
    id: drawableId(instance.id),
    version: drawable(instance.version),
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
    id: drawableId(token.id),
    name: drawable(token.name),
    prefix: drawable(token.prefix),
    scopes: token.scopes.map((scope) => SCOPES.get(scope) ?? "unknown"),
    agentId: drawableId(token.agentId),
    userId: drawableId(token.userId),
    createdAtMs: token.createdAt?.getTime() ?? 0,
    expiresAtMs: token.expiresAt?.getTime(),
    lastUsedAtMs: token.lastUsedAt?.getTime(),
    revokedAtMs: token.revokedAt?.getTime(),
  };
}

export function userRow(user: User): UserRow {
  return {
    id: drawableId(user.id),
    name: drawable(user.username || user.email),
    email: drawable(user.email),
    plan: drawable(user.plan),
    isAdmin: user.admin,
  };
}

export function planRow(plan: Plan): PlanRow {
  return { name: drawable(plan.name), maxAgents: plan.maxAgents, maxTerminalAgents: plan.maxTerminalAgents };
}
