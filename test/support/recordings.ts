// RecordingService as a program uses it, and what a terminal shows that a recording is played on.

import { credentials, Metadata } from "@grpc/grpc-js";
import { SerializeAddon } from "@xterm/addon-serialize";
import xterm from "@xterm/headless";
import {
  type ReadRecordingResponse,
  type Recording,
  RecordingServiceClient,
} from "../../src/gen/rexec/recording/v1/recording_service.ts";
import { CastReader, type CastEvent, type CastHeader } from "../../src/protocol/asciicast.ts";
import { call } from "./test-server.ts";

export interface Recordings {
  start(agentId: string, sessionId?: string): Promise<Recording>;
  stop(recordingId: string): Promise<Recording>;
  list(filter?: string): Promise<Recording[]>;
  get(recordingId: string): Promise<Recording>;
  remove(recordingId: string): Promise<void>;
  /** The whole file. */
  read(recordingId: string): Promise<string>;
  close(): void;
}

export function recordingsOn(grpcAddress: string, token: string): Recordings {
  const client = new RecordingServiceClient(grpcAddress, credentials.createInsecure());
  const one = async (method: string, request: object) =>
    ((await call(client, method, request, token)) as { recording: Recording }).recording;
  return {
    start: (agentId, sessionId = "") => one("startRecording", { agentId, sessionId }),
    stop: (recordingId) => one("stopRecording", { recordingId }),
    get: (recordingId) => one("getRecording", { recordingId }),
    async list(filter = "") {
      const request = { pageSize: 0, pageToken: "", filter, orderBy: "" };
      return ((await call(client, "listRecordings", request, token)) as { recordings: Recording[] }).recordings;
    },
    remove: async (recordingId) => void (await call(client, "deleteRecording", { recordingId }, token)),
    async read(recordingId) {
      const chunks: Uint8Array[] = [];
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${token}`);
      const stream = client.readRecording({ recordingId }, metadata) as AsyncIterable<ReadRecordingResponse>;
      for await (const { data } of stream) chunks.push(data);
      return Buffer.concat(chunks).toString();
    },
    close: () => client.close(),
  };
}

export function parseCast(file: string): { header: CastHeader; events: CastEvent[] } {
  const reader = new CastReader();
  const events = [...reader.push(file), ...reader.end()];
  return { header: reader.header as CastHeader, events };
}

/** The screen at the end, with its colours and its cursor, as text to be compared. */
export async function screenAfterPlaying(file: string): Promise<string> {
  const { header, events } = parseCast(file);
  const terminal = newTerminal(header.cols, header.rows);
  for (const event of events) {
    if (event.kind === "output") await write(terminal, event.text);
    else if (event.kind === "resize") terminal.resize(event.size.cols, event.size.rows);
  }
  return drawn(terminal);
}

/** What a viewer was shown, on a terminal of this size. */
export async function screenOf(bytes: string, { cols, rows }: { cols: number; rows: number }): Promise<string> {
  const terminal = newTerminal(cols, rows);
  await write(terminal, bytes);
  return drawn(terminal);
}

type Terminal = InstanceType<typeof xterm.Terminal>;

function newTerminal(cols: number, rows: number): Terminal {
  return new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
}

function write(terminal: Terminal, text: string): Promise<void> {
  return new Promise((resolve) => terminal.write(text, resolve));
}

function drawn(terminal: Terminal): string {
  const addon = new SerializeAddon();
  terminal.loadAddon(addon);
  const { cursorX, cursorY } = terminal.buffer.active;
  return `${terminal.cols}x${terminal.rows} ${cursorX},${cursorY}\n${addon.serialize()}`;
}
