// What instances ask each other. Every question has one answer; nobody waits for ever.

import type { ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, BootId, InstanceId, SessionId } from "../../../protocol/ids.ts";
import type { LocalSessions, SessionQuery } from "../terminals/sessions.ts";

export type InstanceQuestion =
  /** May a connection of this boot take the agent over from you? */
  | { ask: "may_connect"; agentId: AgentId; bootId?: BootId | undefined }
  | { ask: "stop_session"; agentId: AgentId; sessionId: SessionId }
  | { ask: "disconnect_agent"; agentId: AgentId }
  | { ask: "list_sessions"; query: SessionQuery }
  /** Take nothing new, and send your sockets elsewhere. */
  | { ask: "drain" };

interface Answers {
  may_connect: boolean;
  stop_session: "told" | ErrorReason;
  disconnect_agent: "told" | ErrorReason;
  list_sessions: LocalSessions;
  drain: boolean;
}

export type AnswerTo<Question extends InstanceQuestion> = Answers[Question["ask"]];

export interface InstanceCalls {
  /** Rejects with BACKEND_UNAVAILABLE where there is no such instance, or no answer within `timeoutMs`. */
  ask<Question extends InstanceQuestion>(
    to: InstanceId,
    question: Question,
    timeoutMs: number,
  ): Promise<AnswerTo<Question>>;
  /** The other instances that live, as far as is known. */
  others(): readonly InstanceId[];
}

/** Answers what another instance asks. */
export type AnswerCall = (question: InstanceQuestion) => Promise<AnswerTo<InstanceQuestion>>;
