// What happens, told as it happens to whoever listens on any instance (watches, connected terminals), and here (the audit
// log).

import type {
  AgentId,
  AttachmentKey,
  InstanceId,
  RecordingId,
  SessionId,
  ShareId,
  TokenId,
  UserId,
} from "../../../protocol/ids.ts";
import type { Agent, AgentStats, SystemInfo } from "../agents/agent.ts";
import type { Plan } from "../plans/plan.ts";

interface OfAgent {
  agentId: AgentId;
  /** The agent's owner. */
  userId: UserId;
}

interface OfSession extends OfAgent {
  sessionId: SessionId;
}

export type DomainEvent =
  | { type: "agent.registered" | "agent.updated"; agent: Agent }
  | ({ type: "agent.deleted" | "agent.connected" | "agent.suspect" | "agent.disconnected" } & OfAgent)
  /** What was told before can be read from the database now. */
  | ({ type: "agent.stored" } & OfAgent)
  | ({ type: "agent.stats"; stats: AgentStats } & OfAgent)
  /** isNews: not what it said by its connection before. */
  | ({ type: "agent.system_info"; systemInfo: SystemInfo; isNews: boolean } & OfAgent)
  /** moved: something was typed or printed since it was last said. */
  | ({ type: "session.opened" | "session.ended" | "session.resized" | "session.moved" } & OfSession)
  | ({
      type: "session.joined" | "session.left";
      attachmentKey: AttachmentKey;
      viewerUserId: UserId;
      /** A guest: of the share that this user has made. */
      shareId?: ShareId | undefined;
      readOnly: boolean;
    } & OfSession)
  /** Of a session. ended: no more of it will be kept. */
  | ({ type: "recording.started" | "recording.ended"; recordingId: RecordingId } & OfSession)
  | { type: "limit.denied"; userId: UserId; reason: LimitReason; limit: number; used: number; agentId?: AgentId }
  /** How many agents or terminals this user has, or may have, is another number now. */
  | { type: "limits.changed"; userId: UserId }
  | ({ type: "mfa.locked" | "mfa.unlocked"; byUserId: UserId } & OfAgent)
  /** `agentId`: what the code was for; unset for the account itself. */
  | { type: "mfa.verified" | "mfa.failed" | "mfa.locked_out"; userId: UserId; agentId?: AgentId }
  | { type: "mfa.enrolled" | "mfa.disabled"; userId: UserId }
  | { type: "token.created"; tokenId: TokenId; userId: UserId }
  /** By hash: open sockets that the token opened must close within 2 s. */
  | { type: "token.revoked"; tokenHash: string; userId: UserId }
  /** It ends sooner than was said when it was made; open sockets that it opened end with it. */
  | { type: "token.shortened"; tokenHash: string; userId: UserId; expiresAt: Date }
  /** Open sockets of its guests must close within 2 s. */
  | { type: "share.revoked"; shareId: ShareId; userId: UserId }
  | { type: "plan.changed"; plan: Plan }
  | { type: "user.created" | "user.updated" | "user.deleted"; userId: UserId }
  | { type: "instance.up" | "instance.draining" | "instance.down"; instanceId: InstanceId }
  /** It lives, and its figures are others by now. */
  | { type: "instance.beat"; instanceId: InstanceId }
  /** Somebody on this instance follows agents' statistics: the others send theirs, for half a minute. */
  | { type: "stats.wanted" }
  /** What others did may not have been heard. Never from elsewhere. */
  | { type: "events.missed" }
  /** Credentials may have ended without our hearing of it: whoever relies on one looks again. Never from elsewhere. */
  | { type: "access.uncertain" };

export type LimitReason = "AGENT_LIMIT_REACHED" | "AGENT_NOT_IN_PLAN" | "AGENT_TERMINAL_LIMIT_REACHED";

/** `from`: the instance where it happened, where that is another one. A listener must not throw and must not wait. */
export type EventListener = (event: DomainEvent, from?: InstanceId) => void;

export interface EventBus {
  publish(event: DomainEvent): void;
  /** Returns what ends the subscription. */
  subscribe(listener: EventListener): () => void;
}
