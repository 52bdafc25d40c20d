// Records a session that runs, from now on. Whichever instance holds its agent hears of it and begins.

import { parseShellId, type RecordingId } from "../../../protocol/ids.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import type { SessionDirectory } from "../terminals/sessions.ts";
import type { Recording, RecordingFiles, RecordingStore, RecordPolicy } from "./recording.ts";

export interface StartRecordingDeps extends ReachableAgentDeps, RequireGrantDeps {
  recordings: Pick<RecordingStore, "create">;
  recordingFiles: RecordingFiles | undefined;
  recordPolicy: RecordPolicy;
  sessions: SessionDirectory;
  events: Pick<EventBus, "publish">;
  secrets: Pick<Secrets, "randomUuid">;
  clock: Clock;
}

/**
 * A session that is being recorded already goes on as it is. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, MFA_REQUIRED, SESSION_NOT_FOUND,
 * RECORDING_UNAVAILABLE.
 */
export async function startRecording(
  deps: StartRecordingDeps,
  input: { caller: UserIdentity; agentId: string; sessionId: string; signal: AbortSignal },
): Promise<Recording> {
  const caller = requireScope(input.caller, "write");
  const sessionId = parseShellId(input.sessionId || "main");
  if (sessionId === undefined) throw invalidField("session_id", 'must be "main" or "split-…"');
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId });
  await requireGrant(deps, { identity: caller, agent });
  if (deps.recordingFiles === undefined || deps.recordPolicy === "never")
    throw new DomainError("RECORDING_UNAVAILABLE");
  const sessions = await deps.sessions.listSessions({ agentIds: [agent.id] });
  if (!sessions.some(({ id }) => id === sessionId)) throw new DomainError("SESSION_NOT_FOUND");
  input.signal.throwIfAborted();
  const id = deps.secrets.randomUuid() as RecordingId;
  const startedAt = new Date(deps.clock.now());
  const { id: agentId, name: agentName, userId } = agent;
  const recording = await deps.recordings.create(
    { id, agentId, agentName, sessionId, userId, cause: "asked", startedBy: caller.user.id, startedAt },
    {
      at: startedAt,
      type: "recording.started",
      subject: `recording:${id}`,
      actor: `user:${caller.user.id}`,
      userId,
      detail: { agent: agentId, session: sessionId, cause: "asked" },
    },
  );
  deps.events.publish({ type: "recording.started", agentId, userId, sessionId, recordingId: recording.id });
  return recording;
}
