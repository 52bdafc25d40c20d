// The user's end of a program without a terminal: its outputs apart from each other, its input, signals and exit code, over
// as many connections as it takes. It runs once.

import {
  encodePiece,
  MAX_PIECE_BYTES,
  PieceReader,
  PROGRAM_INPUT,
  PROGRAM_OUTPUT,
} from "../protocol/program-stream.ts";
import { programId } from "../protocol/ids.ts";
import type { Program } from "../protocol/control-frame.ts";
import { openTerminal } from "./terminal-connection.ts";
import type { TerminalEvent, TerminalOutcome } from "./terminal-events.ts";
import type { OpenTerminalOptions } from "./terminal-options.ts";

/** It has none; the wire wants a size. */
const NO_WINDOW = { cols: 80, rows: 24 };

export type OutputName = "stdout" | "stderr";

const OUTPUT_NAMES = new Map<number, OutputName>([
  [PROGRAM_OUTPUT.STDOUT, "stdout"],
  [PROGRAM_OUTPUT.STDERR, "stderr"],
]);

export interface RunProgramOptions
  extends Pick<OpenTerminalOptions, "sockets" | "clock" | "random" | "urls" | "agentId" | "token"> {
  program: Program;
  /** A fresh UUID: it names the run. */
  uuid: string;
  /** Call `consumed` when the bytes have left your hands: the program is paced by it. The bytes are yours. */
  onOutput: (output: OutputName, bytes: Uint8Array, consumed: () => void) => void;
  /** Also "opened", and "drain" after a write() that returned false. */
  onEvent: (event: TerminalEvent) => void;
}

export type ProgramOutcome =
  | TerminalOutcome
  /** Output can't be had any more: what was printed is not all that there was. */
  | { kind: "lost_output" };

export interface ProgramConnection {
  /** Standard input. False: wait for the `drain` event before the next. */
  write(bytes: Uint8Array): boolean;
  /** Standard input is at its end. */
  end(): void;
  /** "SIGINT", …, to the program and all that it has started. One that its system does not know does nothing. */
  signal(name: string): void;
  /** Leaves: the program is ended. */
  close(): void;
  /** Resolves once, when nothing more will come; never rejects. */
  readonly closed: Promise<ProgramOutcome>;
}

export function runProgram(options: RunProgramOptions): ProgramConnection {
  const { program, uuid, onOutput, onEvent, ...connection } = options;
  let outcome: ProgramOutcome | undefined;
  let isBegun = false;
  let pieces: { output: OutputName; bytes: Uint8Array }[] = [];
  const reader = new PieceReader((kind, bytes) => {
    const output = OUTPUT_NAMES.get(kind);
    // A newer agent's outputs are nothing to us.
    if (output !== undefined) pieces.push({ output, bytes: Uint8Array.from(bytes) });
  });

  function lost(): void {
    outcome = { kind: "lost_output" };
    terminal.close();
  }
  const terminal = openTerminal({
    ...connection,
    target: { kind: "program", sessionId: programId(uuid), program },
    readOnly: false,
    size: NO_WINDOW,
    scrollbackLines: 0,
    consumer: {
      output(bytes, consumed) {
        if (outcome !== undefined) return;
        pieces = [];
        reader.push(bytes);
        let left = pieces.length;
        if (left === 0) return consumed();
        const done = (): void => {
          left -= 1;
          if (left === 0) consumed();
        };
        for (const piece of pieces) onOutput(piece.output, piece.bytes, done);
      },
      event(event) {
        // The beginning of its output, or what no screen can stand for.
        if (event.type === "reset" && !isBegun && event.offset === 0) isBegun = true;
        else if (event.type === "gap" || event.type === "reset") return lost();
        onEvent(event);
      },
    },
  });
  return {
    write(bytes) {
      let isBelow = true;
      for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
        isBelow = terminal.write(encodePiece(PROGRAM_INPUT.STDIN, bytes.subarray(at, at + MAX_PIECE_BYTES)));
      return isBelow;
    },
    end: () => void terminal.write(encodePiece(PROGRAM_INPUT.END)),
    signal: (name) => void terminal.write(encodePiece(PROGRAM_INPUT.SIGNAL, new TextEncoder().encode(name))),
    close: () => terminal.close(),
    closed: terminal.closed.then((closed) => outcome ?? closed),
  };
}
