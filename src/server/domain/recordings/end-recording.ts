// Ends a recording, whoever wants it, and tells all who care.

import type { RecordingId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import type { Recording, RecordingStore } from "./recording.ts";

/** By somebody's wish. What its recorder has of it is stored all the same. */
export const STOPPED = "stopped";

export interface EndRecordingDeps {
  recordings: Pick<RecordingStore, "end">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

/** Undefined where it had ended already, or is no more. */
export async function endRecording(
  deps: EndRecordingDeps,
  input: { id: RecordingId; reason: string; actor: string },
): Promise<Recording | undefined> {
  const at = new Date(deps.clock.now());
  const { id, reason, actor } = input;
  const ended = await deps.recordings.end(id, {
    at,
    reason,
    audit: ({ agentId, sessionId, userId }) => ({
      at,
      type: "recording.ended",
      subject: `recording:${id}`,
      actor,
      userId,
      detail: { agent: agentId, session: sessionId, reason },
    }),
  });
  if (ended === undefined) return undefined;
  const { agentId, userId, sessionId } = ended;
  deps.events.publish({ type: "recording.ended", agentId, userId, sessionId, recordingId: id });
  return ended;
}
