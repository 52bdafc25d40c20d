// What goes over a program's two streams: pieces with a kind and a length, for a program has several outputs, and more
// than bytes to be told. Within a piece nothing is cut or joined; how the stream itself is cut into frames says nothing.
//
//   0        1                5
//   | kind   | length, u32 BE | bytes …

import { FrameError } from "./data-frame.ts";

/** What a program's output stream carries. */
export const PROGRAM_OUTPUT = { STDOUT: 1, STDERR: 2, FILE_RESPONSE: 3, FILE_DATA: 4 } as const;
/** What its input stream carries. END: standard input is at its end. SIGNAL: a name, "SIGINT". */
export const PROGRAM_INPUT = { STDIN: 1, END: 2, SIGNAL: 3, FILE_REQUEST: 4, FILE_DATA: 5 } as const;

export type OutputName = "stdout" | "stderr";

/** Undefined for what is no output of a program's own, or a newer agent's. */
export function outputName(kind: number): OutputName | undefined {
  if (kind === PROGRAM_OUTPUT.STDOUT) return "stdout";
  return kind === PROGRAM_OUTPUT.STDERR ? "stderr" : undefined;
}

/** Bytes of one piece. */
export const MAX_PIECE_BYTES = 64 * 1024;
const HEADER_BYTES = 5;

/** Throws RangeError for more than MAX_PIECE_BYTES. */
export function encodePiece(kind: number, bytes: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  if (bytes.length > MAX_PIECE_BYTES) throw new RangeError(`a piece of ${bytes.length} bytes`);
  const piece = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(piece.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, bytes.length);
  piece.set(bytes, HEADER_BYTES);
  return piece;
}

/** Puts pieces together from a stream that is cut anywhere. Holds one piece at most. */
export class PieceReader {
  readonly #onPiece: (kind: number, bytes: Uint8Array) => void;
  #held = new Uint8Array(HEADER_BYTES + MAX_PIECE_BYTES);
  #heldBytes = 0;

  /** The bytes are the listener's to read during the call only. */
  constructor(onPiece: (kind: number, bytes: Uint8Array) => void) {
    this.#onPiece = onPiece;
  }

  /** Throws FrameError for a piece that is too long. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const missing = this.#sizeOfHeld() - this.#heldBytes;
      const taken = rest.subarray(0, missing);
      this.#held.set(taken, this.#heldBytes);
      this.#heldBytes += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#heldBytes < HEADER_BYTES || this.#heldBytes < this.#sizeOfHeld()) continue;
      const end = this.#heldBytes;
      this.#heldBytes = 0;
      this.#onPiece(this.#held[0] as number, this.#held.subarray(HEADER_BYTES, end));
    }
  }

  /** Of the piece that has begun; of its header while that is not complete. */
  #sizeOfHeld(): number {
    if (this.#heldBytes < HEADER_BYTES) return HEADER_BYTES;
    const length = new DataView(this.#held.buffer).getUint32(1);
    if (length > MAX_PIECE_BYTES) throw new FrameError(`a piece of ${length} bytes`);
    return HEADER_BYTES + length;
  }
}

/** Hands pieces on, each a copy of its listener's, and tells when all that came with one part of the stream were taken. */
export class PacedPieces {
  readonly #onPiece: (kind: number, bytes: Uint8Array, taken: () => void) => void;
  readonly #reader = new PieceReader((kind, bytes) => this.#read.push({ kind, bytes: Uint8Array.from(bytes) }));
  #read: { kind: number; bytes: Uint8Array }[] = [];

  constructor(onPiece: (kind: number, bytes: Uint8Array, taken: () => void) => void) {
    this.#onPiece = onPiece;
  }

  /** Throws FrameError for a piece that is too long. `consumed` is called once. */
  push(bytes: Uint8Array, consumed: () => void): void {
    this.#read = [];
    this.#reader.push(bytes);
    let left = this.#read.length;
    if (left === 0) return consumed();
    const taken = (): void => {
      left -= 1;
      if (left === 0) consumed();
    };
    for (const piece of this.#read) this.#onPiece(piece.kind, piece.bytes, taken);
  }
}
