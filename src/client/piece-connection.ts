// A session without a terminal: the pieces of its output, and those of its input, over as many connections as it takes.
// Lost output ends it, for nothing can stand for it.

import type { Program } from "../protocol/control-frame.ts";
import { programId } from "../protocol/ids.ts";
import { encodePiece, PacedPieces } from "../protocol/program-stream.ts";
import { openTerminal } from "./terminal-connection.ts";
import type { TerminalEvent, TerminalOutcome } from "./terminal-events.ts";
import type { OpenTerminalOptions } from "./terminal-options.ts";

/** It has none; the wire wants a size. */
const NO_WINDOW = { cols: 80, rows: 24 };

export interface PieceConnectionOptions
  extends Pick<OpenTerminalOptions, "sockets" | "clock" | "random" | "urls" | "agentId" | "token"> {
  program: Program;
  /** A fresh UUID: it names the run. */
  uuid: string;
  /** Call `consumed` when the bytes have left your hands: the other end is paced by it. The bytes are yours. */
  onPiece: (kind: number, bytes: Uint8Array, consumed: () => void) => void;
  /** Also "opened", and "drain" after a write() that returned false. */
  onEvent: (event: TerminalEvent) => void;
}

export type PieceOutcome =
  | TerminalOutcome
  /** Output can't be had any more: what came is not all that there was. */
  | { kind: "lost_output" };

export interface PieceConnection {
  /** False: wait for the `drain` event before the next. At most MAX_PIECE_BYTES. */
  write(kind: number, bytes?: Uint8Array): boolean;
  /** Leaves: the session is ended. */
  close(): void;
  /** Resolves once, when nothing more will come; never rejects. */
  readonly closed: Promise<PieceOutcome>;
}

export function openPieces(options: PieceConnectionOptions): PieceConnection {
  const { program, uuid, onPiece, onEvent, ...connection } = options;
  let outcome: PieceOutcome | undefined;
  let isOpened = false;
  let isBegun = false;
  const pieces = new PacedPieces(onPiece);

  function end(how: PieceOutcome): void {
    outcome = how;
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
        try {
          pieces.push(bytes, consumed);
        } catch {
          end({ kind: "failed", reason: "PROTOCOL", message: "the agent has sent what can't be read" });
        }
      },
      event(event) {
        if (event.type === "opened") isOpened = true;
        // The beginning of its output, or what no screen can stand for.
        if (event.type === "reset" && !isBegun && event.offset === 0) isBegun = true;
        else if (event.type === "gap" || event.type === "reset") return end({ kind: "lost_output" });
        onEvent(event);
      },
    },
  });
  return {
    write: (kind, bytes) => terminal.write(encodePiece(kind, bytes)),
    close: () => terminal.close(),
    // It has run, and what it printed was never seen here.
    closed: terminal.closed.then((closed) => {
      const isUnseen = closed.kind === "ended" && closed.reason === "exited" && !isOpened;
      return outcome ?? (isUnseen ? { kind: "lost_output" } : closed);
    }),
  };
}
