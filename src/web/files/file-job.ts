// One file on its way, as the queue sees it: what is done with it, and how it may end.

import type { FileInfo } from "../../protocol/file-messages.ts";
import type { FileSession } from "../../protocol/file-session.ts";

export interface JobSteps {
  /** `total` 0: not known. */
  progress: (doneBytes: number, totalBytes: number) => void;
  /** It is given up: nothing more is sent. */
  signal: AbortSignal;
}

export interface FileJob {
  readonly direction: "up" | "down";
  /** For people: a name, made harmless. */
  readonly title: string;
  /** Returns what is told at its end. Throws as FileSession does, FileThere, CopyTrouble. Once more: it goes on where it was. */
  run(session: FileSession, steps: JobSteps): Promise<string>;
  /** Takes away what is left of it on the agent. */
  discard(session: FileSession): Promise<void>;
}

/** Something has that name already, and nobody has said that it is to be replaced. */
export class FileThere extends Error {
  override name = "FileThere";
  /** Undefined: it has come meanwhile. */
  readonly info: FileInfo | undefined;

  constructor(info: FileInfo | undefined) {
    super("there already");
    this.info = info;
  }
}

/** What went wrong here, in a sentence for people. */
export class CopyTrouble extends Error {
  override name = "CopyTrouble";
}
