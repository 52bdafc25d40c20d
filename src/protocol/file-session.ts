// Files of an agent: one question after the other, on one session over as many connections as it takes.

import { FrameError } from "../protocol/data-frame.ts";
import {
  decodeFileAnswer,
  encodeFileQuestion,
  type FileAnswer,
  type FileAnswerOf,
  type FileInfo,
  type FileQuestion,
} from "../protocol/file-messages.ts";
import { MAX_PIECE_BYTES, PROGRAM_INPUT, PROGRAM_OUTPUT } from "../protocol/program-stream.ts";
import {
  openPieces,
  type PieceConnection,
  type PieceConnectionOptions,
  type PieceOutcome,
} from "./piece-connection.ts";

/** Entries of one directory; more are refused, not left out. */
const MAX_ENTRIES = 1_000_000;

/** The agent can't or won't: the session goes on. */
export class FileFailed extends Error {
  override name = "FileFailed";
  readonly code: number;

  constructor({ code, message }: FileAnswerOf<"failure">) {
    super(message);
    this.code = code;
  }
}

/** The session has ended before the answer. */
export class FileSessionOver extends Error {
  override name = "FileSessionOver";
  readonly outcome: PieceOutcome;

  constructor(outcome: PieceOutcome) {
    super("the session has ended");
    this.outcome = outcome;
  }
}

type Piece = { answer: FileAnswer } | { data: Uint8Array };

export class FileSession {
  readonly #pieces: PieceConnection;
  readonly #arrived: { kind: number; bytes: Uint8Array; consumed: () => void }[] = [];
  #outcome: PieceOutcome | undefined;
  /** A question is under way: its answer, or the rest of it, is still to come. */
  #isAsked = false;
  #onArrival: () => void = () => {};
  #onDrain: () => void = () => {};

  constructor(options: Omit<PieceConnectionOptions, "onPiece" | "program">) {
    this.#pieces = openPieces({
      ...options,
      program: { argv: [], throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: true },
      // Bounded by the window: what is not consumed is not acknowledged.
      onPiece: (kind, bytes, consumed) => {
        this.#arrived.push({ kind, bytes, consumed });
        this.#onArrival();
      },
      onEvent: (event) => {
        if (event.type === "drain") this.#onDrain();
        options.onEvent(event);
      },
    });
    void this.#pieces.closed.then((outcome) => {
      this.#outcome = outcome;
      this.#onArrival();
      this.#onDrain();
    });
  }

  /** False: what comes next belongs to a question that was given up, and this session can't be gone on with. */
  get isInStep(): boolean {
    return !this.#isAsked;
  }

  /** Of what the path leads to, links followed. Throws FileFailed, FileSessionOver; so do all of these. */
  async stat(path: string): Promise<FileInfo> {
    this.#ask({ $case: "stat", value: { path } });
    return this.#lastAnswer("info");
  }

  /** In no order; links are told as links. */
  async list(path: string): Promise<FileInfo[]> {
    this.#ask({ $case: "list", value: { path } });
    const entries: FileInfo[] = [];
    for (let part = await this.#answer("directory"); ; part = await this.#answer("directory")) {
      entries.push(...part.entries);
      if (entries.length > MAX_ENTRIES) throw new Error(`${path} has more than ${MAX_ENTRIES} entries`);
      if (part.isLast) {
        this.#isAsked = false;
        return entries;
      }
    }
  }

  /** What is there already is well. */
  async makeDirectory(path: string, mode: number): Promise<FileInfo> {
    this.#ask({ $case: "makeDirectory", value: { path, mode } });
    return this.#lastAnswer("info");
  }

  /** From `offset` on; `take` is waited for before the next bytes. The sum is of the whole file. */
  async read(
    path: string,
    offset: number,
    take: (bytes: Uint8Array) => Promise<void>,
  ): Promise<{ info: FileInfo; sha256: Uint8Array; size: number }> {
    this.#ask({ $case: "read", value: { path, offset } });
    const info = await this.#answer("info");
    while (true) {
      const piece = await this.#next();
      if ("data" in piece) await take(piece.data);
      else {
        const { sha256, size } = expected(piece.answer, "readEnd");
        this.#isAsked = false;
        return { info, sha256, size };
      }
    }
  }

  /** Begins to write, or goes on with what is there under `key`; send() and finish() follow. */
  async write(file: { path: string; mode: number; key: string; fresh: boolean }): Promise<FileAnswerOf<"ready">> {
    this.#ask({ $case: "write", value: file });
    return this.#lastAnswer("ready");
  }

  /** Resolves when more may be sent. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      if (this.#outcome !== undefined) throw new FileSessionOver(this.#outcome);
      // What the agent says while we write is that it can't go on.
      if (this.#arrived.length > 0) {
        await this.#next();
        throw new FrameError("an answer to no question");
      }
      const isBelow = this.#pieces.write(PROGRAM_INPUT.FILE_DATA, bytes.subarray(at, at + MAX_PIECE_BYTES));
      if (!isBelow)
        await new Promise<void>((resolve) => {
          this.#onDrain = resolve;
        });
    }
  }

  /** The file is in its place. */
  async finish(sha256: Uint8Array): Promise<number> {
    this.#ask({ $case: "finish", value: { sha256 } });
    return (await this.#lastAnswer("written")).size;
  }

  /** Leaves. */
  close(): void {
    this.#pieces.close();
  }

  #ask(question: FileQuestion): void {
    this.#isAsked = true;
    this.#pieces.write(PROGRAM_INPUT.FILE_REQUEST, encodeFileQuestion(question));
  }

  async #lastAnswer<C extends FileAnswer["$case"]>($case: C): Promise<FileAnswerOf<C>> {
    const answer = await this.#answer($case);
    this.#isAsked = false;
    return answer;
  }

  async #answer<C extends FileAnswer["$case"]>($case: C): Promise<FileAnswerOf<C>> {
    const piece = await this.#next();
    if ("data" in piece) throw new FrameError("bytes of a file where an answer was due");
    return expected(piece.answer, $case);
  }

  async #next(): Promise<Piece> {
    while (true) {
      const first = this.#arrived.shift();
      if (first === undefined) {
        if (this.#outcome !== undefined) throw new FileSessionOver(this.#outcome);
        await new Promise<void>((resolve) => {
          this.#onArrival = resolve;
        });
        continue;
      }
      first.consumed();
      if (first.kind === PROGRAM_OUTPUT.FILE_DATA) return { data: first.bytes };
      const answer = first.kind === PROGRAM_OUTPUT.FILE_RESPONSE ? decodeFileAnswer(first.bytes) : undefined;
      if (answer?.$case === "failure") {
        this.#isAsked = false;
        throw new FileFailed(answer.value);
      }
      if (answer !== undefined) return { answer };
    }
  }
}

function expected<C extends FileAnswer["$case"]>(answer: FileAnswer, $case: C): FileAnswerOf<C> {
  if (answer.$case !== $case) throw new FrameError(`${answer.$case} where ${$case} was due`);
  return answer.value as FileAnswerOf<C>;
}
