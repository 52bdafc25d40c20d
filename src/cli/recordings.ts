// Lists, starts, ends, writes out and deletes recordings of sessions.

import {
  type Recording,
  RecordingCause,
  RecordingServiceService,
  type ReadRecordingResponse,
} from "../gen/rexec/recording/v1/recording_service.ts";
import { ago } from "../text/ago.ts";
import { byteCount } from "../text/byte-count.ts";
import { clockTime } from "../text/clock-time.ts";
import { harmless } from "../text/harmless.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { confirm } from "./confirm.ts";
import { settleEach, throwFailures } from "./each-one.ts";
import { findAgentId } from "./find-agent.ts";
import { type Column, renderListing, renderRecord } from "./output.ts";

const PAGE_SIZE = 1000;

export async function printRecordings(
  { filter = "", order }: { filter?: string; order: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const rows = await withApi(flags, context, async (api) => {
    const found: Recording[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: PAGE_SIZE, pageToken, filter, orderBy: order };
      const page = await api.call(RecordingServiceService.listRecordings, request);
      found.push(...page.recordings);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  });
  const columns = recordingColumns(new Date()).filter(({ isOfOne }) => !isOfOne);
  context.print(renderListing({ rows, columns, json: recordingJson, name: (row) => row.id }, formatOf(flags)));
  if (rows.length === 0) context.tell("no recordings; `rexec recordings start AGENT` makes one\n");
}

export async function showRecording(recordingId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { recording } = await withApi(flags, context, (api) =>
    api.call(RecordingServiceService.getRecording, { recordingId }),
  );
  show(recording, flags, context);
}

export async function startRecording(
  { agent, session }: { agent: string; session: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const { recording } = await withApi(flags, context, async (api) =>
    api.call(RecordingServiceService.startRecording, { agentId: await findAgentId(api, agent), sessionId: session }),
  );
  const id = recording?.id ?? "";
  if (formatOf(flags) === "table") context.print(`${id}\n`);
  else show(recording, flags, context);
  context.tell(`recording ${session} on ${harmless(agent)}; \`rexec recordings stop ${id}\` ends it\n`);
}

export async function stopRecording(recordingId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { recording } = await withApi(flags, context, (api) =>
    api.call(RecordingServiceService.stopRecording, { recordingId }),
  );
  context.tell(`ended: ${harmless(recording?.endReason ?? "")}; \`rexec play ${recordingId}\` plays it\n`);
}

export async function writeRecording(recordingId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, async (api) => {
    for await (const { data } of readRecording(api, recordingId, context.signal)) {
      // Whoever reads it slowly is waited for.
      if (!process.stdout.write(data)) await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
    }
  });
}

/** The file, in pieces cut anywhere. */
export function readRecording(
  api: Pick<Api, "watch">,
  recordingId: string,
  signal: AbortSignal,
): AsyncIterable<ReadRecordingResponse> {
  return api.watch(RecordingServiceService.readRecording, { recordingId }, signal);
}

/** Asks once, for all that there are. */
export async function deleteRecordings(
  ids: readonly string[],
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const named = [...new Set(ids)].map((name) => ({ name }));
  await confirm(
    `Delete ${named.length === 1 ? "this recording" : `these ${named.length} recordings`}?`,
    flags,
    context,
  );
  await withApi(flags, context, async (api) => {
    const { done, failures } = await settleEach(named, async ({ name: recordingId }) => {
      await api.call(RecordingServiceService.deleteRecording, { recordingId });
      context.tell(`deleted ${harmless(recordingId)}\n`);
    });
    throwFailures(failures, done.length, "deleted");
  });
}

function show(recording: Recording | undefined, flags: GlobalFlags, context: CommandContext): void {
  if (recording === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no recording" });
  const columns = recordingColumns(new Date());
  context.print(renderRecord({ row: recording, columns, json: recordingJson, name: ({ id }) => id }, formatOf(flags)));
}

const CAUSES = new Map<RecordingCause, string>([
  [RecordingCause.RECORDING_CAUSE_ASKED, "asked"],
  [RecordingCause.RECORDING_CAUSE_AGENT, "agent"],
  [RecordingCause.RECORDING_CAUSE_SERVER, "server"],
]);

/** isOfOne: for one alone, and no list. */
function recordingColumns(now: Date): (Column<Recording> & { isOfOne?: boolean })[] {
  return [
    { header: "ID", value: (recording) => recording.id },
    { header: "AGENT", value: (recording) => recording.agentName },
    { header: "SESSION", value: (recording) => recording.sessionId },
    { header: "STARTED", value: (recording) => ago(recording.startedAt, now) },
    { header: "LENGTH", value: (recording) => clockTime(millisecondsOf(recording)) },
    { header: "SIZE", value: (recording) => byteCount(recording.sizeBytes) },
    { header: "GAPS", value: (recording) => String(recording.gaps) },
    { header: "STATE", value: (recording) => (recording.endedAt ? recording.endReason : "recording") },
    { header: "CAUSE", value: ({ cause }) => CAUSES.get(cause) ?? "unknown", isWide: true },
    { header: "WINDOW", value: ({ cols, rows }) => `${cols}x${rows}`, isWide: true },
    { header: "STORED", value: ({ storedBytes }) => byteCount(storedBytes), isWide: true },
    { header: "LOST", value: ({ lostBytes }) => byteCount(lostBytes), isWide: true },
    { header: "AGENT ID", value: ({ agentId }) => agentId, isWide: true },
    { header: "OWNER", value: ({ userId }) => userId, isWide: true },
    { header: "STARTED BY", value: ({ startedBy }) => startedBy, isOfOne: true },
    { header: "BEGAN", value: ({ startedAt }) => startedAt?.toISOString() ?? "", isOfOne: true },
    { header: "ENDED", value: ({ endedAt }) => endedAt?.toISOString() ?? "", isOfOne: true },
  ];
}

function millisecondsOf({ duration }: Recording): number {
  return duration === undefined ? 0 : duration.seconds * 1000 + duration.nanos / 1e6;
}

function recordingJson(recording: Recording): Record<string, unknown> {
  return {
    id: recording.id,
    agent_id: recording.agentId,
    agent_name: recording.agentName,
    session_id: recording.sessionId,
    user_id: recording.userId,
    cause: CAUSES.get(recording.cause) ?? "unknown",
    started_by: recording.startedBy || undefined,
    started_at: recording.startedAt,
    ended_at: recording.endedAt,
    end_reason: recording.endReason || undefined,
    duration_ms: millisecondsOf(recording),
    cols: recording.cols,
    rows: recording.rows,
    size_bytes: recording.sizeBytes,
    stored_bytes: recording.storedBytes,
    gaps: recording.gaps,
    lost_bytes: recording.lostBytes,
  };
}
