// Ends a recording by somebody's wish; what has been printed until then is kept.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import { endRecording, type EndRecordingDeps, STOPPED } from "./end-recording.ts";
import { changeableRecording, type ReachableRecordingDeps } from "./reachable-recording.ts";
import type { Recording, RecordingStore } from "./recording.ts";

export interface StopRecordingDeps extends ReachableRecordingDeps, EndRecordingDeps {
  recordings: Pick<RecordingStore, "get" | "end">;
}

/** One that has ended is returned as it is. Throws INVALID_ARGUMENT, RECORDING_NOT_FOUND, NOT_AUTHORIZED. */
export async function stopRecording(
  deps: StopRecordingDeps,
  input: { caller: UserIdentity; recordingId: string; signal: AbortSignal },
): Promise<Recording> {
  const caller = requireScope(input.caller, "write");
  const recording = await changeableRecording(deps, { caller, recordingId: input.recordingId });
  input.signal.throwIfAborted();
  const actor = `user:${caller.user.id}`;
  return (await endRecording(deps, { id: recording.id, reason: STOPPED, actor })) ?? recording;
}
