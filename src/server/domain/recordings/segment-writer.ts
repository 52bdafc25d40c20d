// Stores the pieces of one recording, one after the other, and few of them: small ones become one in time.

import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { TakenLines } from "./cast-buffer.ts";
import type { Recording, RecordingFiles, RecordingPlace, RecordingStore } from "./recording.ts";

export interface SegmentWriterDeps {
  recordings: Pick<RecordingStore, "addSegment" | "segments" | "mergeSegments">;
  files: Pick<RecordingFiles, "write" | "merge" | "delete">;
  secrets: Pick<Secrets, "randomHex" | "randomUuid">;
  clock: Clock;
  log: Log;
}

/** A piece is tried again for this long. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 500;
/** So many pieces become one, */
const MERGE_EVERY = 64;
/** if it would not be larger than this. */
const MAX_MERGED_BYTES = 4 * 1024 * 1024;

export class SegmentWriter {
  readonly #deps: SegmentWriterDeps;
  readonly #recording: Recording;
  #number: number;
  #place: RecordingPlace | undefined;
  #sizeBytes: number;

  constructor(deps: SegmentWriterDeps, recording: Recording) {
    this.#deps = deps;
    this.#recording = recording;
    this.#number = recording.segments;
    this.#place = recording.place;
    this.#sizeBytes = recording.sizeBytes;
  }

  /** How far it is stored. */
  get place(): RecordingPlace | undefined {
    return this.#place;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Never rejects. "superseded": another writer has gone on with it, or it is no more. */
  async add(
    lines: TakenLines,
    place: RecordingPlace,
    firstSize: TerminalSize,
  ): Promise<"stored" | "superseded" | "failed"> {
    const { recordings, files, secrets, clock, log } = this.#deps;
    const { id } = this.#recording;
    const number = this.#number;
    const { text, ...rest } = lines;
    // Two writers of one place do not write over each other.
    const key = pieceKey(id, number, secrets);
    const textBytes = Buffer.byteLength(text);
    const deadline = clock.monotonicMs() + PATIENCE_MS;
    for (;;) {
      try {
        const storedBytes = await files.write(key, text);
        const isAdded = await recordings.addSegment(id, {
          ...rest,
          key,
          number,
          place,
          firstSize,
          textBytes,
          storedBytes,
        });
        if (!isAdded && !(await this.#isOurs(key))) {
          await files.delete(key);
          return "superseded";
        }
        break;
      } catch (err) {
        log.warn({ recordingId: id, err }, "recording not stored");
        if (clock.monotonicMs() >= deadline) return "failed";
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.#number += 1;
    this.#place = place;
    this.#sizeBytes += textBytes;
    if (this.#number % MERGE_EVERY === 0) await this.mergeSmall();
    return "stored";
  }

  /** An answer may have been lost where the change was made. */
  async #isOurs(key: string): Promise<boolean> {
    const segments = await this.#deps.recordings.segments(this.#recording.id);
    return segments.at(-1)?.key === key;
  }

  /** Makes small pieces that follow each other one. What fails is left as it is, and said. */
  async mergeSmall(): Promise<void> {
    const { recordings, files, secrets, log } = this.#deps;
    const { id } = this.#recording;
    try {
      for (const run of smallRuns(await recordings.segments(id))) {
        const numbers = run.map(({ number }) => number);
        const key = pieceKey(id, numbers[0] ?? 0, secrets);
        const storedBytes = await files.merge(
          run.map((piece) => piece.key),
          key,
        );
        const isDone = await recordings.mergeSegments(id, numbers, { key, storedBytes });
        for (const old of isDone ? run.map((piece) => piece.key) : [key]) await files.delete(old);
      }
    } catch (err) {
      log.warn({ recordingId: id, err }, "pieces of a recording not merged");
    }
  }
}

function pieceKey(id: string, number: number, secrets: Pick<Secrets, "randomHex">): string {
  return `${id}/${String(number).padStart(8, "0")}-${secrets.randomHex(4)}.cast.gz`;
}

/** Pieces next to each other that are no more than MAX_MERGED_BYTES together; two at least. */
export function smallRuns<Piece extends { storedBytes: number }>(pieces: readonly Piece[]): Piece[][] {
  const runs: Piece[][] = [];
  let run: Piece[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (bytes + piece.storedBytes > MAX_MERGED_BYTES) {
      runs.push(run);
      run = [];
      bytes = 0;
    }
    run.push(piece);
    bytes += piece.storedBytes;
  }
  runs.push(run);
  return runs.filter(({ length }) => length > 1);
}
