// The shells that run now and who looks at them, as lists and watches show them.

import type { ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, AttachmentKey, InstanceId, SessionId, ShareId, UserId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";

export interface SessionView {
  id: SessionId;
  agentId: AgentId;
  /** The agent's owner. */
  userId: UserId;
  startedAt: Date;
  viewers: readonly ViewerView[];
  /** Undefined where its holder is of a version that records nothing. */
  isRecorded?: boolean;
  /** Output so far, in bytes. */
  outputOffset: number;
  /** Input that its holder has passed on to the agent since it holds it; undefined where that is of a version that does not count. */
  inputBytes?: number;
  cols: number;
  rows: number;
  lastInputAt?: Date;
  lastOutputAt?: Date;
}

export interface ViewerView {
  attachmentKey: AttachmentKey;
  /** Of a guest: who shares. */
  userId: UserId;
  shareId?: ShareId;
  joinedAt: Date;
  readOnly: boolean;
  protocol: Protocol;
  instanceId: InstanceId;
}

/** Which shells are asked for; all where nothing is said. */
export interface SessionQuery {
  agentIds?: readonly AgentId[];
  /** The agents' owner. */
  userId?: UserId;
}

/** What one instance knows: the shells of agents that it holds, and its viewers of agents that others hold. */
export interface LocalSessions {
  sessions: readonly SessionView[];
  elsewhere: readonly { agentId: AgentId; sessionId: SessionId; viewers: readonly ViewerView[] }[];
}

export interface SessionDirectory {
  /**
   * The shells that run, of whichever instance. Those of an instance that does not answer are left out: nobody reaches
   * them either.
   */
  listSessions(query: SessionQuery): Promise<readonly SessionView[]>;
}

/** What can be asked of an agent, wherever its socket is. Rejects with BACKEND_UNAVAILABLE where that can't be known. */
export interface AgentControl {
  /** Ends the shell. "told" is not yet done: "session.ended" says when it is. */
  stopSession(agentId: AgentId, sessionId: SessionId): Promise<"told" | ErrorReason>;
  /** Closes the agent's socket; the agent dials in again by itself. */
  disconnectAgent(agentId: AgentId): Promise<"told" | ErrorReason>;
}
