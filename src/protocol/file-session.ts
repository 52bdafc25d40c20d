// Files of an agent: one question after the other, on one session, whoever carries its pieces. Both viewers have it: the
// one at the other end of a socket, and the one in the server's own process.

import type { Program } from "./control-frame.ts";
import { FrameError } from "./data-frame.ts";
import {
  decodeFileAnswer,
  encodeFileQuestion,
  type FileAnswer,
  type FileAnswerOf,
  type FileInfo,
  type FileQuestion,
} from "./file-messages.ts";
import { MAX_PIECE_BYTES, PROGRAM_INPUT, PROGRAM_OUTPUT } from "./program-stream.ts";

/** What such a session is asked for with. */
export const FILES_PROGRAM: Program = { argv: [], throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: true };

/** The agent can't or won't: the session goes on. */
export class FileFailed extends Error {
  override name = "FileFailed";
  readonly code: FileAnswerOf<"failure">["code"];

  constructor({ code, message }: FileAnswerOf<"failure">) {
    super(message);
    this.code = code;
  }
}

export interface FileSessionWay {
  /** At most MAX_PIECE_BYTES. Resolves when there is room for more, or nobody takes it any more. */
  write(kind: number, bytes: Uint8Array): Promise<void>;
  /** Leaves: the session is ended. */
  close(): void;
}

/** With a length it is a part: the sum is of what was sent, and not of the whole file. */
export interface FileRange {
  path: string;
  offset: number;
  length?: number;
}

export interface FileTaker {
  /** Before the first bytes. */
  info?(info: FileInfo): Promise<void>;
  /** Waited for before the next bytes. */
  data(bytes: Uint8Array): Promise<void>;
}

export interface FileToWrite {
  path: string;
  mode: number;
  key: string;
  fresh: boolean;
  keepExisting?: boolean;
  temporary?: boolean;
}

type Piece = { answer: FileAnswer } | { data: Uint8Array };

export class FileSession {
  readonly #way: FileSessionWay;
  /** Bounded by the window: what is not consumed is not acknowledged. */
  readonly #arrived: { kind: number; bytes: Uint8Array; consumed: () => void }[] = [];
  #over: Error | undefined;
  /** A question is under way: its answer, or the rest of it, is still to come. */
  #isAsked = false;
  #onArrival: () => void = () => {};

  constructor(way: FileSessionWay) {
    this.#way = way;
  }

  /** What the agent has sent; the bytes are ours. */
  piece(kind: number, bytes: Uint8Array, consumed: () => void): void {
    this.#arrived.push({ kind, bytes, consumed });
    this.#onArrival();
  }

  /** Nothing more will come: who waits for it gets this error. */
  end(error: unknown): void {
    this.#over = error instanceof Error ? error : new Error(String(error));
    this.#onArrival();
  }

  /** False: what comes next belongs to a question that was given up, and this session can't be gone on with. */
  get isInStep(): boolean {
    return !this.#isAsked;
  }

  /** Of what the path leads to, links followed. Throws FileFailed, FrameError, and what it was ended with; so do all of these. */
  async stat(path: string): Promise<FileInfo> {
    this.#ask({ $case: "stat", value: { path } });
    return this.#lastAnswer("info");
  }

  /** In no order, some at a time, each waited for; links are told as links. */
  async list(path: string, take: (entries: readonly FileInfo[]) => Promise<void>): Promise<void> {
    this.#ask({ $case: "list", value: { path } });
    for (let isLast = false; !isLast; ) {
      const part = await this.#answer("directory");
      if (part.entries.length > 0) await take(part.entries);
      ({ isLast } = part);
    }
    this.#isAsked = false;
  }

  /** What is there already is well. */
  async makeDirectory(path: string, mode: number): Promise<FileInfo> {
    this.#ask({ $case: "makeDirectory", value: { path, mode } });
    return this.#lastAnswer("info");
  }

  /** From `offset` on. The sum is of the whole file, unless a length is given. */
  async read(
    { path, offset, length }: FileRange,
    taker: FileTaker,
  ): Promise<{ info: FileInfo; sha256: Uint8Array; size: number }> {
    if (length === undefined) this.#ask({ $case: "read", value: { path, offset } });
    else this.#ask({ $case: "readRange", value: { path, offset, length } });
    const info = await this.#answer("info");
    await taker.info?.(info);
    while (true) {
      const piece = await this.#next();
      if ("data" in piece) await taker.data(piece.data);
      else {
        const { sha256, size } = expected(piece.answer, "readEnd");
        this.#isAsked = false;
        return { info, sha256, size };
      }
    }
  }

  /** Begins to write, or goes on with what is there under `key`; send() and finish() follow. */
  async write(file: FileToWrite): Promise<FileAnswerOf<"ready">> {
    this.#ask({ $case: "write", value: { keepExisting: false, temporary: false, ...file } });
    return this.#lastAnswer("ready");
  }

  /** Resolves when more may be sent. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      if (this.#over !== undefined) throw this.#over;
      // What the agent says while we write is that it can't go on.
      if (this.#arrived.length > 0) {
        await this.#next();
        throw new FrameError("an answer to no question");
      }
      await this.#way.write(PROGRAM_INPUT.FILE_DATA, bytes.subarray(at, at + MAX_PIECE_BYTES));
    }
  }

  /** The file is in its place. */
  async finish(sha256: Uint8Array): Promise<number> {
    this.#ask({ $case: "finish", value: { sha256 } });
    return (await this.#lastAnswer("written")).size;
  }

  /** Leaves. */
  close(): void {
    this.#way.close();
  }

  #ask(question: FileQuestion): void {
    this.#isAsked = true;
    // Its answer is what is waited for. A question that is too long has none.
    this.#way
      .write(PROGRAM_INPUT.FILE_REQUEST, encodeFileQuestion(question))
      .catch((error: unknown) => this.end(error));
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
        if (this.#over !== undefined) throw this.#over;
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
