// Files of an agent, over as many connections as it takes.

import { FileSession, FILES_PROGRAM } from "../protocol/file-session.ts";
import { openPieces, type PieceConnectionOptions, type PieceOutcome } from "./piece-connection.ts";

/** The session has ended before the answer. */
export class FileSessionOver extends Error {
  override name = "FileSessionOver";
  readonly outcome: PieceOutcome;

  constructor(outcome: PieceOutcome) {
    super("the session has ended");
    this.outcome = outcome;
  }
}

/** Its calls throw FileSessionOver when it has ended. */
export function openFileSession(options: Omit<PieceConnectionOptions, "onPiece" | "program">): FileSession {
  let onRoom: () => void = () => {};
  const session = new FileSession({
    async write(kind, bytes) {
      if (pieces.write(kind, bytes)) return;
      await new Promise<void>((resolve) => {
        onRoom = resolve;
      });
    },
    close: () => pieces.close(),
  });
  const pieces = openPieces({
    ...options,
    program: FILES_PROGRAM,
    onPiece: (kind, bytes, consumed) => session.piece(kind, bytes, consumed),
    onEvent: (event) => {
      if (event.type === "drain") onRoom();
      options.onEvent(event);
    },
  });
  void pieces.closed.then((outcome) => {
    session.end(new FileSessionOver(outcome));
    onRoom();
  });
  return session;
}
