// RecordingService: decodes, calls the domain, encodes.

import type { RecordingServiceService } from "../../../gen/rexec/recording/v1/recording_service.ts";
import { requireScope } from "../../domain/access/rules.ts";
import { deleteRecording, type DeleteRecordingDeps } from "../../domain/recordings/delete-recording.ts";
import { listRecordings } from "../../domain/recordings/list-recordings.ts";
import { reachableRecording } from "../../domain/recordings/reachable-recording.ts";
import { readRecording, type ReadRecordingDeps } from "../../domain/recordings/read-recording.ts";
import type { RecordingStore } from "../../domain/recordings/recording.ts";
import { startRecording, type StartRecordingDeps } from "../../domain/recordings/start-recording.ts";
import { stopRecording } from "../../domain/recordings/stop-recording.ts";
import type { Handlers } from "./call-context.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { RECORDING_LIST } from "./recording-filter.ts";
import { recordingMessage } from "./recording-message.ts";

export interface RecordingServiceDeps extends StartRecordingDeps, DeleteRecordingDeps, ReadRecordingDeps {
  recordings: RecordingStore;
  pageTokenKey: string;
}

/** What clients take in one message unless told otherwise is 4 MiB. */
const MAX_CHUNK_BYTES = 256 * 1024;

export function recordingService(deps: RecordingServiceDeps): Handlers<typeof RecordingServiceService> {
  return {
    startRecording: async ({ caller, request, signal }) => ({
      recording: recordingMessage(await startRecording(deps, { ...request, caller, signal })),
    }),
    stopRecording: async ({ caller, request, signal }) => ({
      recording: recordingMessage(await stopRecording(deps, { ...request, caller, signal })),
    }),
    async listRecordings({ caller, request }) {
      const query = parseListRequest(RECORDING_LIST, request, deps.pageTokenKey);
      const page = await listRecordings(deps, { caller, query });
      return {
        recordings: page.rows.map(recordingMessage),
        nextPageToken: nextPageToken(RECORDING_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    getRecording: async ({ caller, request }) => ({
      recording: recordingMessage(await reachableRecording(deps, { ...request, caller: requireScope(caller, "read") })),
    }),
    async readRecording({ caller, request }, send) {
      const { texts } = await readRecording(deps, { ...request, caller });
      for await (const text of texts) {
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
          await send({ data: bytes.subarray(at, at + MAX_CHUNK_BYTES) });
        }
      }
    },
    async deleteRecording({ caller, request, signal }) {
      await deleteRecording(deps, { ...request, caller, signal });
      return {};
    },
  };
}
