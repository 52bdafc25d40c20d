// What can be watched, fed by the events: one log of changes for each kind of thing.

import type { AgentId, InstanceId, SessionId, UserId } from "../../../protocol/ids.ts";
import type { DomainEvent, EventBus } from "../events/events.ts";
import { ChangeLog } from "./change-log.ts";

/** An id is unique within its agent only. */
export type SessionKey = `${AgentId}/${SessionId}`;

export interface ChangeLogs {
  agents: ChangeLog<AgentId>;
  sessions: ChangeLog<SessionKey>;
  limits: ChangeLog<UserId>;
  instances: ChangeLog<InstanceId>;
}

/** `boot`: of this process's life. */
export function createChangeLogs(boot: string, events: Pick<EventBus, "subscribe">): ChangeLogs {
  const logs: ChangeLogs = {
    agents: new ChangeLog(boot),
    sessions: new ChangeLog(boot),
    limits: new ChangeLog(boot),
    instances: new ChangeLog(boot),
  };
  events.subscribe((event) => recordChange(logs, event));
  return logs;
}

export function sessionKey(session: { agentId: AgentId; id: SessionId }): SessionKey {
  return `${session.agentId}/${session.id}`;
}

function recordChange(logs: ChangeLogs, event: DomainEvent): void {
  switch (event.type) {
    case "agent.registered":
    case "agent.updated":
      return logs.agents.record(event.agent.id, event.agent.userId);
    case "agent.deleted":
    case "agent.stored":
    case "mfa.locked":
    case "mfa.unlocked":
      return logs.agents.record(event.agentId, event.userId);
    case "session.opened":
    case "session.ended":
    case "session.resized":
    case "session.joined":
    case "session.left":
    case "session.moved":
    case "recording.started":
    case "recording.ended":
      return logs.sessions.record(sessionKey({ agentId: event.agentId, id: event.sessionId }), event.userId);
    case "limits.changed":
    case "user.created":
    case "user.updated":
    case "user.deleted":
      return logs.limits.record(event.userId, event.userId);
    case "plan.changed":
      return logs.limits.recordAll();
    case "events.missed":
      for (const log of Object.values(logs) as ChangeLog<string>[]) log.recordAll();
      return;
    case "instance.down":
      // Its shells are elsewhere by now, or nowhere: nobody says so of each.
      logs.sessions.recordAll();
      return logs.instances.record(event.instanceId, undefined);
    case "instance.up":
    case "instance.draining":
    case "instance.beat":
      return logs.instances.record(event.instanceId, undefined);
    default:
      return;
  }
}
