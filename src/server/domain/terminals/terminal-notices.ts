// Tells those who look at an agent's shells what others did that concerns them.

import type { ControlMessage } from "../../../protocol/control-frame.ts";
import type { AgentId, AttachmentKey, SessionId } from "../../../protocol/ids.ts";
import type { DomainEvent, EventBus } from "../events/events.ts";
import type { Viewer } from "./viewer.ts";

interface Notice {
  agentId: AgentId;
  /** Undefined: the viewers of every shell. */
  sessionId?: SessionId;
  /** Who did it need not be told. */
  except?: AttachmentKey;
  message: ControlMessage;
}

/**
 * Returns what ends it. A viewer that speaks rexec.v1 gets none of these messages: its protocol has no word for them. Guests
 * get none either: who else is there, and what becomes of the agent, is nothing that was shared with them.
 */
export function forwardNotices(deps: {
  events: Pick<EventBus, "subscribe">;
  viewersOf(agentId: AgentId, sessionId?: SessionId): readonly Viewer[];
}): () => void {
  return deps.events.subscribe((event) => {
    const notice = noticeOf(event);
    if (notice === undefined) return;
    for (const viewer of deps.viewersOf(notice.agentId, notice.sessionId)) {
      const { key, guest } = viewer.open;
      if (viewer.state === "attached" && !guest && key !== notice.except) viewer.link.sendControl(notice.message);
    }
  });
}

function noticeOf(event: DomainEvent): Notice | undefined {
  switch (event.type) {
    case "session.joined":
    case "session.left": {
      const { agentId, sessionId, attachmentKey, viewerUserId, shareId, readOnly } = event;
      const actor = shareId === undefined ? `user:${viewerUserId}` : `share:${shareId}`;
      const detail = { session: sessionId, read_only: String(readOnly) };
      return { agentId, sessionId, except: attachmentKey, message: eventMessage(event.type, actor, detail) };
    }
    case "recording.started":
    case "recording.ended": {
      const { agentId, sessionId } = event;
      return { agentId, sessionId, message: eventMessage(event.type, "", { session: sessionId }) };
    }
    case "agent.updated":
      return { agentId: event.agent.id, message: eventMessage(event.type, "", { name: event.agent.name }) };
    case "agent.system_info":
      return { agentId: event.agentId, message: { $case: "systemInfo", value: event.systemInfo } };
    case "mfa.locked":
    case "mfa.unlocked":
      return { agentId: event.agentId, message: eventMessage(event.type, `user:${event.byUserId}`, {}) };
    default:
      return undefined;
  }
}

function eventMessage(type: string, actor: string, detail: Record<string, string>): ControlMessage {
  return { $case: "event", value: { type, actor, detail } };
}
