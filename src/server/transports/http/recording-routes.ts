// Recordings for the page: a thin mapping onto what RecordingService calls, too.

import { z } from "zod";
import { parseUuid, type RecordingId } from "../../../protocol/ids.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { deleteRecording, type DeleteRecordingDeps } from "../../domain/recordings/delete-recording.ts";
import { listRecordings } from "../../domain/recordings/list-recordings.ts";
import { readRecording, type ReadRecordingDeps } from "../../domain/recordings/read-recording.ts";
import type { Recording, RecordingStore } from "../../domain/recordings/recording.ts";
import { startRecording, type StartRecordingDeps } from "../../domain/recordings/start-recording.ts";
import { stopRecording } from "../../domain/recordings/stop-recording.ts";
import { agentIdOf, parseBody } from "./agent-json.ts";
import type { CallerRoute } from "./route.ts";

export interface RecordingRouteDeps extends StartRecordingDeps, DeleteRecordingDeps, ReadRecordingDeps {
  recordings: RecordingStore;
}

/** Of a list: the newest. More are to be had over gRPC. */
const LISTED = 200;

const START = z.object({ session_id: z.string().default("") });

export const RECORDING_ROUTES: readonly CallerRoute<RecordingRouteDeps>[] = [
  {
    method: "GET",
    path: "/api/recordings",
    access: "read",
    /** Of the caller's own agents, the newest first; how many there are in all is a header. */
    async serve(deps, { caller }) {
      const query = {
        filter: { userId: caller.user.id },
        order: { by: "started_at", descending: true },
        limit: LISTED,
      } as const;
      const { rows, total } = await listRecordings(deps, { caller, query });
      return { status: 200, body: rows.map(recordingJson), headers: { "x-total-count": String(total) } };
    },
  },
  {
    method: "GET",
    path: "/api/recordings/:recording/file",
    access: "read",
    async serve(deps, { caller, params }) {
      const { texts } = await readRecording(deps, { caller, recordingId: recordingIdOf(params) });
      return { status: 200, body: texts, headers: { "content-type": "application/x-asciicast; charset=utf-8" } };
    },
  },
  {
    method: "POST",
    path: "/api/agents/:id/recordings",
    access: "write",
    async serve(deps, { caller, params, body, signal }) {
      const { session_id: sessionId } = parseBody(START, await body());
      const recording = await startRecording(deps, { caller, agentId: agentIdOf(params), sessionId, signal });
      return { status: 201, body: recordingJson(recording) };
    },
  },
  {
    method: "POST",
    path: "/api/recordings/:recording/stop",
    access: "write",
    async serve(deps, { caller, params, signal }) {
      const recording = await stopRecording(deps, { caller, recordingId: recordingIdOf(params), signal });
      return { status: 200, body: recordingJson(recording) };
    },
  },
  {
    method: "DELETE",
    path: "/api/recordings/:recording",
    access: "write",
    async serve(deps, { caller, params, signal }) {
      await deleteRecording(deps, { caller, recordingId: recordingIdOf(params), signal });
      return { status: 200, body: { message: "recording deleted" } };
    },
  },
];

/** What is no UUID is a recording that never was, as with agents. */
function recordingIdOf({ recording = "" }: { recording?: string }): RecordingId {
  const id = parseUuid<RecordingId>(recording);
  if (id === undefined) throw new DomainError("RECORDING_NOT_FOUND");
  return id;
}

function recordingJson(recording: Recording) {
  return {
    id: recording.id,
    agent_id: recording.agentId,
    agent_name: recording.agentName,
    session_id: recording.sessionId,
    cause: recording.cause,
    started_at: recording.startedAt,
    ended_at: recording.endedAt ?? null,
    end_reason: recording.endReason,
    duration_ms: recording.durationMs,
    size_bytes: recording.sizeBytes,
    gaps: recording.gaps,
  };
}
