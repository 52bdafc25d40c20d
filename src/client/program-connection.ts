// The user's end of a program without a terminal: its outputs apart from each other, its input, signals and exit code. It
// runs once.

import { MAX_PIECE_BYTES, type OutputName, outputName, PROGRAM_INPUT } from "../protocol/program-stream.ts";
import { openPieces, type PieceConnection, type PieceConnectionOptions } from "./piece-connection.ts";

export interface RunProgramOptions extends Omit<PieceConnectionOptions, "onPiece"> {
  /** Call `consumed` when the bytes have left your hands: the program is paced by it. The bytes are yours. */
  onOutput: (output: OutputName, bytes: Uint8Array, consumed: () => void) => void;
}

export interface ProgramConnection extends Pick<PieceConnection, "close" | "closed"> {
  /** Standard input. False: wait for the `drain` event before the next. */
  write(bytes: Uint8Array): boolean;
  /** Standard input is at its end. */
  end(): void;
  /** "SIGINT", …, to the program and all that it has started. One that its system does not know does nothing. */
  signal(name: string): void;
}

export function runProgram({ onOutput, ...options }: RunProgramOptions): ProgramConnection {
  const pieces = openPieces({
    ...options,
    onPiece(kind, bytes, consumed) {
      const output = outputName(kind);
      if (output === undefined) consumed();
      else onOutput(output, bytes, consumed);
    },
  });
  return {
    write(bytes) {
      let isBelow = true;
      for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
        isBelow = pieces.write(PROGRAM_INPUT.STDIN, bytes.subarray(at, at + MAX_PIECE_BYTES));
      return isBelow;
    },
    end: () => void pieces.write(PROGRAM_INPUT.END),
    signal: (name) => void pieces.write(PROGRAM_INPUT.SIGNAL, new TextEncoder().encode(name)),
    close: () => pieces.close(),
    closed: pieces.closed,
  };
}
