// States of the admin TUI for tests: what the server would have told.

import type { Agent } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { Agent as AgentMessage, AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { Event } from "../../src/gen/rexec/event/v1/event_service.ts";
import { Instance, InstanceState } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { Limits } from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { Session, SessionKind } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { FeedChanges } from "../../src/admin-tui/state/feed-messages.ts";
import { type AdminState, FEEDS, initialState, type Me } from "../../src/admin-tui/state/model.ts";
import { sessionKey } from "../../src/admin-tui/state/session-row.ts";
import { update } from "../../src/admin-tui/state/update.ts";

/** Noon in whatever zone the tests run. */
export const NOW_MS = new Date(2026, 10, 26, 12, 4, 0).getTime();

export const ADMIN: Me = {
  userId: "user-alice",
  name: "alice",
  contextName: "prod",
  servers: "https://rexec.example",
  isAdmin: true,
  mayWrite: true,
  isReadOnly: false,
};

export function emptyState(input: Partial<Pick<AdminState, "me" | "size" | "looks">> = {}): AdminState {
  return initialState({
    me: input.me ?? ADMIN,
    size: input.size ?? { cols: 80, rows: 24 },
    looks: input.looks ?? { hasColor: false, isAscii: true },
    nowMs: NOW_MS,
  });
}

/** Every feed has told all it has. */
export function liveState(changes: FeedChanges, input: Parameters<typeof emptyState>[0] = {}): AdminState {
  let state = emptyState(input);
  for (const feed of FEEDS)
    state = update(state, { kind: "feed", feed, state: { kind: "live", isComplete: true }, nowMs: NOW_MS }).state;
  return update(state, { kind: "changes", changes, nowMs: NOW_MS }).state;
}

export function agent(id: string, more: Partial<Agent> = {}): Agent {
  return AgentMessage.fromPartial({
    id,
    name: id,
    distro: "ubuntu",
    arch: "x64",
    status: AgentStatus.AGENT_STATUS_ONLINE,
    userId: "user-alice",
    createdAt: new Date(NOW_MS - 3_600_000),
    connectedAt: new Date(NOW_MS - 600_000),
    lastSeenAt: new Date(NOW_MS - 2_000),
    instanceId: "i-1",
    version: "0.1.0",
    ...more,
  });
}

export function session(agentId: string, id = "main", more: Partial<Session> = {}): Session {
  return Session.fromPartial({
    id,
    agentId,
    userId: "user-alice",
    kind: id === "main" ? SessionKind.SESSION_KIND_MAIN : SessionKind.SESSION_KIND_SPLIT,
    startedAt: new Date(NOW_MS - 300_000),
    ...more,
  });
}

export function limits(userId: string, more: Partial<Limits> = {}): Limits {
  return Limits.fromPartial({
    userId,
    plan: "free",
    agentsLimit: 5,
    agentsUsed: 2,
    terminalAgentsLimit: 5,
    terminalAgentsUsed: 1,
    ...more,
  });
}

export function event(sequence: number, type: string, more: Partial<Event> = {}): Event {
  return Event.fromPartial({ sequence, type, time: new Date(NOW_MS - 1000), actor: "user:user-alice", ...more });
}

export function instance(id: string, more: Partial<Instance> = {}): Instance {
  return Instance.fromPartial({
    id,
    version: "0.1.0",
    state: InstanceState.INSTANCE_STATE_UP,
    startedAt: new Date(NOW_MS - 86_400_000),
    heartbeatAt: new Date(NOW_MS - 1_000),
    agents: 4,
    sessions: 2,
    busLagMs: 1.5,
    eventLoopP99Ms: 12,
    ...more,
  });
}

/** All there is of something. */
export function snapshot<Message>(messages: readonly Message[], keyOf: (message: Message) => string) {
  const upserted = new Map(messages.map((message) => [keyOf(message), message]));
  return { upserted, removed: new Set<string>(), kept: new Set(upserted.keys()) };
}

export function agents(...those: Agent[]) {
  return snapshot(those, ({ id }) => id);
}

export function sessions(...those: Session[]) {
  return snapshot(those, ({ agentId, id }) => sessionKey(agentId, id));
}
