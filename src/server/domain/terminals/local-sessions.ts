// The shells of the agents that this instance holds, and its viewers of others' agents, as the session directory shows them.

import type { InstanceId } from "../../../protocol/ids.ts";
import type { HeldAgent } from "./held-agent.ts";
import type { LocalSessions, SessionQuery, SessionView, ViewerView } from "./sessions.ts";
import type { ShellSession } from "./shell-session.ts";

export function localSessions(
  agents: Iterable<HeldAgent>,
  { agentIds, userId }: SessionQuery,
  instanceId: InstanceId,
): LocalSessions {
  const asked = agentIds && new Set(agentIds);
  const sessions: SessionView[] = [];
  const elsewhere: LocalSessions["elsewhere"][number][] = [];
  for (const held of agents) {
    if (held.sessions.size === 0) continue;
    const { agent, isElsewhere } = held;
    if ((asked && !asked.has(agent.id)) || (userId !== undefined && agent.userId !== userId)) continue;
    for (const session of held.sessions.values()) {
      if (session.ended) continue;
      if (!isElsewhere) sessions.push(viewOf(held, session, instanceId));
      else if (session.viewers.size > 0) {
        elsewhere.push({ agentId: agent.id, sessionId: session.id, viewers: viewersOf(session, instanceId) });
      }
    }
  }
  return { sessions, elsewhere };
}

function viewOf(held: HeldAgent, session: ShellSession, instanceId: InstanceId): SessionView {
  return {
    id: session.id,
    agentId: held.agent.id,
    userId: held.agent.userId,
    startedAt: session.startedAt,
    viewers: viewersOf(session, instanceId),
    isRecorded: [...session.viewers].some(({ open }) => open.recorder !== undefined),
    outputOffset: session.head,
    inputBytes: session.inputBytes,
    cols: session.cols,
    rows: session.rows,
    ...(session.lastInputAtMs === undefined ? {} : { lastInputAt: new Date(session.lastInputAtMs) }),
    ...(session.lastOutputAtMs === undefined ? {} : { lastOutputAt: new Date(session.lastOutputAtMs) }),
  };
}

function viewersOf(session: ShellSession, instanceId: InstanceId): ViewerView[] {
  const people = [...session.viewers].filter(({ open }) => open.recorder === undefined);
  return people.map(({ open, joinedAt, link }) => ({
    attachmentKey: open.key,
    userId: open.userId,
    ...(open.guest && { shareId: open.guest.shareId }),
    joinedAt,
    readOnly: open.readOnly,
    protocol: link.protocol,
    instanceId,
  }));
}
