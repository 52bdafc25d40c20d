// Plays a recording on the terminal that it was asked for on.

import { createReadStream, existsSync } from "node:fs";
import { type CastEvent, CastError, CastReader } from "../protocol/asciicast.ts";
import { clockTime } from "../text/clock-time.ts";
import { CliError, interrupted } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, withApi } from "./command-context.ts";
import { LocalTerminal } from "./local-terminal.ts";
import { PlayPacer } from "./play-pacer.ts";
import { readRecording } from "./recordings.ts";

interface PlayFlags {
  recording: string;
  speed: number;
  idleLimit: number;
  realTime?: boolean;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const JUMP_MS = 10_000;
const RIGHT_ARROW = "\x1b[C";

export async function playRecording(
  { recording, speed, idleLimit, realTime }: PlayFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const pacer = new PlayPacer({ speed, idleLimitMs: realTime ? undefined : idleLimit });
  const leaving = new AbortController();
  const signal = AbortSignal.any([context.signal, leaving.signal]);
  const play = (pieces: AsyncIterable<Uint8Array>): Promise<string[]> =>
    show(pieces, { pacer, signal, leaving, context });
  const gaps = await fromSource(recording, { flags, context, signal }, play);
  for (const gap of gaps) context.tell(`${gap}\n`);
  if (context.signal.aborted) throw interrupted();
}

/** An id is a recording's, unless there is a file of that name. */
async function fromSource(
  recording: string,
  { flags, context, signal }: { flags: GlobalFlags; context: CommandContext; signal: AbortSignal },
  play: (pieces: AsyncIterable<Uint8Array>) => Promise<string[]>,
): Promise<string[]> {
  if (recording === "-") return play(process.stdin);
  if (existsSync(recording)) return play(createReadStream(recording));
  if (!UUID.test(recording)) {
    const hint = "name a file, or an id that `rexec recordings` lists";
    throw new CliError("FILE_NOT_FOUND", { message: `no recording: ${recording}`, hint });
  }
  return withApi(flags, context, (api) => play(dataOf(readRecording(api, recording, signal))));
}

async function* dataOf(chunks: AsyncIterable<{ data: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { data } of chunks) yield data;
}

/** Returns what is to be said of it when the screen is free again. Throws USAGE for what is no recording. */
async function show(
  pieces: AsyncIterable<Uint8Array>,
  playing: { pacer: PlayPacer; signal: AbortSignal; leaving: AbortController; context: CommandContext },
): Promise<string[]> {
  const { pacer, signal, leaving, context } = playing;
  const local = new LocalTerminal();
  const left = once(signal);
  const gaps: string[] = [];
  const stopKeys = local.hasKeys && local.hasScreen ? readKeys(local, pacer, leaving) : () => {};
  const reader = new CastReader();
  try {
    for await (const event of events(pieces, reader, (header) => warnOfSize(header, local, context))) {
      await Promise.race([pacer.until(event.atMs), left]);
      if (signal.aborted) break;
      if (event.kind === "output") await Promise.race([write(local, event.text), left]);
      else if (event.kind === "marker" && event.text.startsWith("gap:"))
        gaps.push(`${clockTime(event.atMs)}  ${event.text}`);
    }
    return gaps;
  } catch (error) {
    if (!(error instanceof CastError)) throw error;
    throw new CliError("USAGE", { message: "this is no asciicast v2 file", why: error.message }, { cause: error });
  } finally {
    stopKeys();
    local.restore();
  }
}

async function* events(
  pieces: AsyncIterable<Uint8Array>,
  reader: CastReader,
  onHeader: (header: NonNullable<CastReader["header"]>) => void,
): AsyncGenerator<CastEvent> {
  const decoder = new TextDecoder();
  let isTold = false;
  for await (const piece of pieces) {
    const found = reader.push(decoder.decode(piece, { stream: true }));
    if (!isTold && reader.header !== undefined) {
      isTold = true;
      onHeader(reader.header);
    }
    yield* found;
  }
  yield* reader.end();
}

function warnOfSize(
  { cols, rows }: { cols: number; rows: number },
  { hasScreen, size }: LocalTerminal,
  context: CommandContext,
): void {
  if (!hasScreen || (size.cols >= cols && size.rows >= rows)) return;
  context.tell(
    `recorded in a window of ${cols}x${rows}; this one has ${size.cols}x${size.rows}, and may show it wrongly\n`,
  );
}

function write(local: LocalTerminal, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  local.noteOutput(bytes);
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

/** Returns what ends it. */
function readKeys(local: LocalTerminal, pacer: PlayPacer, leaving: AbortController): () => void {
  const { stdin } = process;
  local.enterRaw();
  const onKeys = (bytes: Buffer): void => {
    const keys = bytes.toString("latin1");
    if (keys === RIGHT_ARROW) return pacer.jumpAhead(JUMP_MS);
    for (const key of keys) {
      if (key === " ") pacer.pause(!pacer.isPaused);
      else if (key === "+") pacer.changeSpeed(2);
      else if (key === "-") pacer.changeSpeed(0.5);
      else if (key === "q" || key === "\x03") leaving.abort();
    }
  };
  stdin.on("data", onKeys);
  stdin.ref();
  stdin.resume();
  return () => {
    stdin.off("data", onKeys);
    stdin.pause();
    stdin.unref();
  };
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
