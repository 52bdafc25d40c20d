// Deletes a recording: its pieces first, so that nothing is left that nobody knows of.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import { endRecording, type EndRecordingDeps, STOPPED } from "./end-recording.ts";
import { changeableRecording, type ReachableRecordingDeps } from "./reachable-recording.ts";
import type { Recording, RecordingFiles, RecordingStore } from "./recording.ts";

export interface DeletionDeps {
  recordings: Pick<RecordingStore, "segments" | "delete">;
  recordingFiles: RecordingFiles | undefined;
  clock: Clock;
}

export interface DeleteRecordingDeps extends DeletionDeps, ReachableRecordingDeps, EndRecordingDeps {
  recordings: Pick<RecordingStore, "get" | "end" | "segments" | "delete">;
}

/** Throws INVALID_ARGUMENT, RECORDING_NOT_FOUND, NOT_AUTHORIZED, RECORDING_UNAVAILABLE. */
export async function deleteRecording(
  deps: DeleteRecordingDeps,
  input: { caller: UserIdentity; recordingId: string; signal: AbortSignal },
): Promise<void> {
  const caller = requireScope(input.caller, "write");
  const recording = await changeableRecording(deps, { caller, recordingId: input.recordingId });
  input.signal.throwIfAborted();
  const actor = `user:${caller.user.id}`;
  if (recording.endedAt === undefined) await endRecording(deps, { id: recording.id, reason: STOPPED, actor });
  await removeRecording(deps, recording, actor);
}

export async function removeRecording(deps: DeletionDeps, recording: Recording, actor: string): Promise<void> {
  const { recordings, recordingFiles } = deps;
  if (recordingFiles === undefined) throw new DomainError("RECORDING_UNAVAILABLE");
  const { id, userId, agentId, sessionId } = recording;
  for (const { key } of await recordings.segments(id)) await recordingFiles.delete(key);
  const left = await recordings.delete(id, {
    at: new Date(deps.clock.now()),
    type: "recording.deleted",
    subject: `recording:${id}`,
    actor,
    userId,
    detail: { agent: agentId, session: sessionId },
  });
  // What has come in their place meanwhile.
  for (const key of left) await recordingFiles.delete(key);
}
