// Finds a recording for somebody. One that is another's and one that never was look the same.

import { parseUuid, type RecordingId } from "../../../protocol/ids.ts";
import type { Refusals } from "../access/refusals.ts";
import { isAdmin, mayReach, type UserIdentity } from "../access/rules.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { Recording, RecordingStore } from "./recording.ts";

export interface ReachableRecordingDeps {
  recordings: Pick<RecordingStore, "get">;
  refusals: Pick<Refusals, "note">;
}

/** Throws INVALID_ARGUMENT for what is no id at all, RECORDING_NOT_FOUND for one that the caller may not see. */
export async function reachableRecording(
  deps: ReachableRecordingDeps,
  { caller, recordingId }: { caller: UserIdentity; recordingId: string },
): Promise<Recording> {
  const id = parseUuid<RecordingId>(recordingId);
  if (id === undefined) throw invalidField("recording_id", "must be a UUID");
  const recording = await deps.recordings.get(id);
  if (recording === undefined) throw new DomainError("RECORDING_NOT_FOUND");
  if (mayReach(caller, recording)) return recording;
  refuse(deps, { caller, recording, reason: "RECORDING_NOT_FOUND" });
}

/** The same for who wants to end or delete it. Throws NOT_AUTHORIZED, too: what the server's policy records is the admins'. */
export async function changeableRecording(
  deps: ReachableRecordingDeps,
  input: { caller: UserIdentity; recordingId: string },
): Promise<Recording> {
  const recording = await reachableRecording(deps, input);
  if (recording.cause !== "server" || isAdmin(input.caller)) return recording;
  refuse(deps, { caller: input.caller, recording, reason: "NOT_AUTHORIZED" });
}

function refuse(
  deps: ReachableRecordingDeps,
  refused: { caller: UserIdentity; recording: Recording; reason: "RECORDING_NOT_FOUND" | "NOT_AUTHORIZED" },
): never {
  const { caller, recording, reason } = refused;
  const subject = `recording:${recording.id}`;
  deps.refusals.note({ identity: caller, subject, userId: recording.userId, detail: { reason } });
  throw new DomainError(reason);
}
