// Finds one shell. One of another's agent and one that never was look the same.

import { parseSessionId } from "../../../protocol/ids.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { SessionDirectory, SessionView } from "./sessions.ts";

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, SESSION_NOT_FOUND. */
export async function getSession(
  deps: ReachableAgentDeps & { sessions: SessionDirectory },
  input: { caller: UserIdentity; agentId: string; sessionId: string },
): Promise<SessionView> {
  const caller = requireScope(input.caller, "read");
  const sessionId = parseSessionId(input.sessionId);
  if (sessionId === undefined) throw invalidField("session_id", 'must be "main" or "split-…"');
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  const sessions = await deps.sessions.listSessions({ agentIds: [agent.id] });
  const found = sessions.find(({ id, agentId }) => agentId === agent.id && id === sessionId);
  if (found === undefined) throw new DomainError("SESSION_NOT_FOUND");
  return found;
}
