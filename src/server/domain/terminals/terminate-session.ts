// Ends a shell for good, whoever looks at it.

import { type AgentId, parseSessionId, type SessionId } from "../../../protocol/ids.ts";
import { AGENT_REQUEST_TIMEOUT_MS } from "../../../protocol/limits.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import type { EventBus } from "../events/events.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { AgentControl } from "./sessions.ts";

export interface TerminateSessionDeps extends ReachableAgentDeps, RequireGrantDeps {
  control: AgentControl;
  audit: AuditLog;
  events: Pick<EventBus, "subscribe">;
  clock: Clock;
}

/**
 * Resolves when the shell has ended. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_REQUIRED, SESSION_NOT_FOUND, and AGENT_RECONNECTING
 * where the agent does not answer in time: whether it has ended it is then not known.
 */
export async function terminateSession(
  deps: TerminateSessionDeps,
  input: { caller: UserIdentity; agentId: string; sessionId: string; signal: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const sessionId = parseSessionId(input.sessionId);
  if (sessionId === undefined) throw invalidField("session_id", 'must be "main" or "split-…"');
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  await requireGrant(deps, { identity: caller, agent });
  input.signal.throwIfAborted();
  const ended = sessionEnd(deps.events, { agentId: agent.id, sessionId, signal: input.signal });
  try {
    const answer = await deps.control.stopSession(agent.id, sessionId);
    if (answer !== "told") throw new DomainError(answer);
    await deps.audit.append({
      at: new Date(deps.clock.now()),
      type: "session.terminated",
      subject: `session:${agent.id}/${sessionId}`,
      actor: `user:${caller.user.id}`,
      userId: agent.userId,
      detail: {},
    });
    await ended.promise;
  } finally {
    ended.stop();
  }
}

function sessionEnd(
  events: Pick<EventBus, "subscribe">,
  { agentId, sessionId, signal }: { agentId: AgentId; sessionId: SessionId; signal: AbortSignal },
): { promise: Promise<void>; stop(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason as Error);
  const timer = setTimeout(() => reject(new DomainError("AGENT_RECONNECTING")), AGENT_REQUEST_TIMEOUT_MS);
  const unsubscribe = events.subscribe((event) => {
    if (event.type === "session.ended" && event.agentId === agentId && event.sessionId === sessionId) resolve();
  });
  signal.addEventListener("abort", onAbort);
  // Nobody may be waiting yet, or any more.
  promise.catch(() => {});
  return {
    promise,
    stop() {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener("abort", onAbort);
    },
  };
}
