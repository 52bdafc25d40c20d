// What happens, told as it happens to whoever listens in this process (watches, connected terminals).

import type { AgentId, SessionId, UserId } from "../../../protocol/ids.ts";
import type { Agent, AgentStats } from "../agents/agent.ts";

export type DomainEvent =
  | { type: "agent.registered" | "agent.updated"; agent: Agent }
  | { type: "agent.deleted"; agentId: AgentId; userId: UserId }
  | { type: "agent.connected" | "agent.suspect" | "agent.disconnected"; agentId: AgentId; userId: UserId }
  | { type: "agent.stats"; agentId: AgentId; userId: UserId; stats: AgentStats }
  | { type: "session.opened" | "session.ended"; agentId: AgentId; userId: UserId; sessionId: SessionId }
  /** By hash: open sockets that the token opened must close within 2 s. */
  | { type: "token.revoked"; tokenHash: string; userId: UserId };

export interface EventBus {
  publish(event: DomainEvent): void;
  /** Returns what ends the subscription. A listener must not throw and must not wait. */
  subscribe(listener: (event: DomainEvent) => void): () => void;
}
