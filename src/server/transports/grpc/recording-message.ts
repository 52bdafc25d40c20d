// A recording of the domain as a message of the API.

import {
  RecordingCause as CauseNumber,
  type Recording as RecordingMessage,
} from "../../../gen/rexec/recording/v1/recording_service.ts";
import type { Recording, RecordingCause } from "../../domain/recordings/recording.ts";

const CAUSE_NUMBERS: Record<RecordingCause, CauseNumber> = {
  asked: CauseNumber.RECORDING_CAUSE_ASKED,
  agent: CauseNumber.RECORDING_CAUSE_AGENT,
  server: CauseNumber.RECORDING_CAUSE_SERVER,
};

export function recordingMessage(recording: Recording): RecordingMessage {
  const { size, durationMs } = recording;
  return {
    id: recording.id,
    agentId: recording.agentId,
    agentName: recording.agentName,
    sessionId: recording.sessionId,
    userId: recording.userId,
    cause: CAUSE_NUMBERS[recording.cause],
    startedBy: recording.startedBy ?? "",
    startedAt: recording.startedAt,
    endedAt: recording.endedAt,
    endReason: recording.endReason,
    duration: { seconds: Math.floor(durationMs / 1000), nanos: (durationMs % 1000) * 1e6 },
    cols: size.cols,
    rows: size.rows,
    sizeBytes: recording.sizeBytes,
    storedBytes: recording.storedBytes,
    gaps: recording.gaps,
    lostBytes: recording.lostBytes,
  };
}
