// The shells that run now and who looks at them, as lists and watches show them.

import type { ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, AttachmentKey, InstanceId, SessionId, UserId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";

export interface SessionView {
  id: SessionId;
  agentId: AgentId;
  /** The agent's owner. */
  userId: UserId;
  startedAt: Date;
  viewers: readonly ViewerView[];
  /** Output so far, in bytes. */
  outputOffset: number;
  cols: number;
  rows: number;
  lastInputAt?: Date;
  lastOutputAt?: Date;
}

export interface ViewerView {
  attachmentKey: AttachmentKey;
  userId: UserId;
  joinedAt: Date;
  readOnly: boolean;
  protocol: Protocol;
  instanceId: InstanceId;
}

export interface SessionDirectory {
  /** Every shell of every agent that this instance holds. */
  listSessions(): readonly SessionView[];
}

/** What can be asked of an agent, wherever its socket is. */
export interface AgentControl {
  /** Ends the shell. "told" is not yet done: "session.ended" says when it is. */
  stopSession(agentId: AgentId, sessionId: SessionId): "told" | ErrorReason;
  /** Closes the agent's socket; the agent dials in again by itself. */
  disconnectAgent(agentId: AgentId): "told" | ErrorReason;
}
