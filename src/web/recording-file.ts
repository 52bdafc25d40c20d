// A recording's file as it comes from the server, read into events.

import { CastError, type CastEvent, type CastHeader, CastReader } from "../protocol/asciicast.ts";

/** All of it is kept while it is played: larger ones are for `rexec play`. */
const MAX_FILE_CHARS = 64 * 1024 * 1024;

/** The message is for people. */
export class UnplayableError extends Error {
  override name = "UnplayableError";
}

/** Throws UnplayableError, and what reading throws. */
export async function readRecordingFile(
  body: ReadableStream<Uint8Array>,
): Promise<{ header: CastHeader; events: CastEvent[] }> {
  const reader = new CastReader();
  const events: CastEvent[] = [];
  const add = (found: CastEvent[]): void => {
    for (const event of found) events.push(event);
  };
  let length = 0;
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
      length += text.length;
      if (length > MAX_FILE_CHARS)
        throw new UnplayableError("This recording is too large for a page. On the command line: rexec play");
      add(reader.push(text));
    }
    add(reader.end());
  } catch (error) {
    if (error instanceof CastError) throw new UnplayableError(`This is no recording: ${error.message}`);
    throw error;
  }
  if (reader.header === undefined) throw new UnplayableError("This recording is empty.");
  return { header: reader.header, events };
}
