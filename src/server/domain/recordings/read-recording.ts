// The file of a recording, piece by piece. Who reads it is in the audit log.

import { castHeaderLine } from "../../../protocol/asciicast.ts";
import { DEFAULT_COLS, DEFAULT_ROWS } from "../../../protocol/limits.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { AgentStore } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import { requireGrant, type RequireGrantDeps } from "../mfa/require-grant.ts";
import { reachableRecording, type ReachableRecordingDeps } from "./reachable-recording.ts";
import type { Recording, RecordingFiles, RecordingStore } from "./recording.ts";

export interface ReadRecordingDeps extends ReachableRecordingDeps, RequireGrantDeps {
  recordings: Pick<RecordingStore, "get" | "segments">;
  recordingFiles: RecordingFiles | undefined;
  agents: Pick<AgentStore, "get">;
  audit: AuditLog;
  clock: Clock;
}

/**
 * An asciicast v2 file, in texts of which each ends with a line. Of a recording that goes on: what is stored by now. Throws
 * INVALID_ARGUMENT, RECORDING_NOT_FOUND, MFA_REQUIRED while its agent is locked, RECORDING_UNAVAILABLE.
 */
export async function readRecording(
  deps: ReadRecordingDeps,
  input: { caller: UserIdentity; recordingId: string },
): Promise<{ recording: Recording; texts: AsyncIterable<string> }> {
  const caller = requireScope(input.caller, "read");
  const recording = await reachableRecording(deps, { caller, recordingId: input.recordingId });
  const agent = await deps.agents.get(recording.agentId);
  if (agent !== undefined) await requireGrant(deps, { identity: caller, agent });
  const { recordingFiles } = deps;
  if (recordingFiles === undefined) throw new DomainError("RECORDING_UNAVAILABLE");
  await deps.audit.append({
    at: new Date(deps.clock.now()),
    type: "recording.read",
    subject: `recording:${recording.id}`,
    actor: `user:${caller.user.id}`,
    userId: recording.userId,
    detail: { agent: recording.agentId, session: recording.sessionId },
  });
  const pieces = await deps.recordings.segments(recording.id);
  return { recording, texts: textsOf(recording, pieces, recordingFiles) };
}

async function* textsOf(
  { size, startedAt, agentName, sessionId }: Recording,
  pieces: readonly { key: string }[],
  files: RecordingFiles,
): AsyncGenerator<string> {
  yield castHeaderLine({
    cols: size.cols || DEFAULT_COLS,
    rows: size.rows || DEFAULT_ROWS,
    startedAtMs: startedAt.getTime(),
    title: `${agentName} ${sessionId}`,
  });
  for (const { key } of pieces) yield await files.read(key);
}
