// Files, behind the same interface as a shell's PTY: a session whose input is requests and bytes, and whose output is
// answers and bytes (proto/rexec/stream/v1/files.proto). One request at a time, in order.

import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, opendir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { FileRequest, FileResponse } from "../../gen/rexec/stream/v1/files.ts";
import {
  encodePiece,
  MAX_PIECE_BYTES,
  PieceReader,
  PROGRAM_INPUT,
  PROGRAM_OUTPUT,
} from "../../protocol/program-stream.ts";
import type { Pty, PtyEvents, PtySignal } from "../pty/pty.ts";
import { FileError, failureOf } from "./file-error.ts";
import { fileInfo, listed } from "./file-info.ts";
import type { FileRoots } from "./file-roots.ts";
import { hashRange, IncomingFile } from "./incoming-file.ts";

/** Requests and bytes that wait for their turn, at which no more is taken. */
const MAX_WAITING_BYTES = 512 * 1024;
/** A pipe or a device must not keep us waiting when it is opened. */
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

type Answer = NonNullable<FileResponse["response"]>;
type Request = NonNullable<FileRequest["request"]>;

export function startFileServer(roots: FileRoots, events: PtyEvents): Pty {
  return new FileServer(roots, events);
}

class FileServer implements Pty {
  readonly pid = 0;
  readonly #roots: FileRoots;
  readonly #events: PtyEvents;
  readonly #input = new PieceReader((kind, bytes) => this.#onPiece(kind, bytes));
  readonly #ended = new AbortController();
  #waiting: { kind: number; bytes: Buffer }[] = [];
  #waitingBytes = 0;
  #isAtEnd = false;
  #isBusy = false;
  #incoming: IncomingFile | undefined;
  /** Set while nobody may read: what goes on when they may again. */
  #onResume: (() => void) | undefined;
  #isPaused = false;

  constructor(roots: FileRoots, events: PtyEvents) {
    this.#roots = roots;
    this.#events = events;
  }

  write(bytes: Uint8Array): number | "closed" {
    if (this.#ended.signal.aborted) return "closed";
    if (this.#waitingBytes > MAX_WAITING_BYTES) return 0;
    try {
      this.#input.push(bytes);
    } catch {
      // A piece that is too long: nothing that comes after it can be understood.
      this.#end(1);
      return "closed";
    }
    void this.#work();
    return bytes.length;
  }

  /** It has no window. */
  resize(): void {}

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#onResume?.();
    this.#onResume = undefined;
  }

  signal(_name: PtySignal): void {
    this.#end(1);
  }

  isAlive(): boolean {
    return !this.#ended.signal.aborted;
  }

  #onPiece(kind: number, bytes: Uint8Array): void {
    if (kind === PROGRAM_INPUT.END) this.#isAtEnd = true;
    if (kind !== PROGRAM_INPUT.FILE_REQUEST && kind !== PROGRAM_INPUT.FILE_DATA) return;
    this.#waiting.push({ kind, bytes: Buffer.from(bytes) });
    this.#waitingBytes += bytes.length;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined && this.isAlive(); next = this.#waiting.shift()) {
      this.#waitingBytes -= next.bytes.length;
      try {
        if (next.kind === PROGRAM_INPUT.FILE_DATA) await this.#incoming?.write(next.bytes);
        else await this.#serve(FileRequest.decode(next.bytes).request);
      } catch (error) {
        await this.#letGo();
        this.#answer({ $case: "failure", value: failureOf(error) });
      }
    }
    this.#isBusy = false;
    if (!this.isAlive()) await this.#letGo();
    else if (this.#isAtEnd) this.#end(0);
  }

  async #serve(request: Request | undefined): Promise<void> {
    switch (request?.$case) {
      case "stat": {
        const real = await this.#roots.existing(request.value.path);
        return this.#answer({ $case: "info", value: fileInfo(basename(real), await stat(real), real) });
      }
      case "list":
        return this.#list(await this.#roots.existing(request.value.path));
      case "read":
      case "readRange":
        return this.#read(await this.#roots.existing(request.value.path), request.value);
      case "write": {
        await this.#letGo();
        this.#incoming = await IncomingFile.open(this.#roots, request.value);
        const { size } = this.#incoming;
        const { keepExisting } = request.value;
        return this.#answer({ $case: "ready", value: { offset: size, sha256: this.#incoming.sha256(), keepExisting } });
      }
      case "finish": {
        const incoming = this.#incoming;
        if (incoming === undefined) throw new FileError("INVALID", "nothing is being written");
        this.#incoming = undefined;
        await incoming.finish(request.value.sha256);
        return this.#answer({ $case: "written", value: { size: incoming.size } });
      }
      case "makeDirectory": {
        const place = await this.#roots.target(request.value.path);
        await mkdir(place, { mode: request.value.mode & 0o777 }).catch((error: unknown) => {
          if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
        });
        const made = await stat(place);
        if (!made.isDirectory()) throw new FileError("NOT_DIRECTORY", `${request.value.path} is no directory`);
        return this.#answer({ $case: "info", value: fileInfo(basename(place), made, place) });
      }
      case undefined:
        throw new FileError("INVALID", "this agent does not know such a request");
    }
  }

  async #list(real: string): Promise<void> {
    for await (const entries of listed(await opendir(real))) {
      this.#answer({ $case: "directory", value: { entries, isLast: false } });
      await this.#mayGoOn();
    }
    this.#answer({ $case: "directory", value: { entries: [], isLast: true } });
  }

  async #read(real: string, { offset, length }: { offset: number; length?: number }): Promise<void> {
    const handle = await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      this.#roots.requireOpened(handle.fd, real);
      const stats = await handle.stat();
      if (stats.isDirectory()) throw new FileError("IS_DIRECTORY", `${real} is a directory`);
      if (!stats.isFile()) throw new FileError("NOT_REGULAR", `${real} is no regular file`);
      const { size } = stats;
      if (offset > size) throw new FileError("OFFSET", `${real} has ${size} bytes`);
      this.#answer({ $case: "info", value: fileInfo(basename(real), stats, real) });
      const hash = createHash("sha256");
      // Of a part nobody asks for the whole one's sum, which takes the longer, the further in it is.
      if (length === undefined) await hashRange(handle, hash, offset);
      await this.#send(handle, hash, {
        from: offset,
        to: length === undefined ? size : Math.min(size, offset + length),
      });
      this.#answer({ $case: "readEnd", value: { sha256: hash.digest(), size } });
    } finally {
      await handle.close();
    }
  }

  /** What it had when it was opened: what is appended meanwhile is the next one's. */
  async #send(handle: FileHandle, hash: Hash, { from, to }: { from: number; to: number }): Promise<void> {
    const buffer = Buffer.allocUnsafe(MAX_PIECE_BYTES);
    for (let at = from; at < to; ) {
      await this.#mayGoOn();
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - at), at);
      if (bytesRead === 0) throw new FileError("OTHER", "the file has become shorter while it was read");
      if (!this.isAlive()) throw ended();
      hash.update(buffer.subarray(0, bytesRead));
      this.#events.onOutput(encodePiece(PROGRAM_OUTPUT.FILE_DATA, buffer.subarray(0, bytesRead)));
      at += bytesRead;
    }
  }

  /** Resolves when somebody may read; throws where nobody ever will. */
  async #mayGoOn(): Promise<void> {
    if (this.#isPaused && this.isAlive())
      await new Promise<void>((resolve) => {
        this.#onResume = resolve;
      });
    if (!this.isAlive()) throw ended();
  }

  #answer(response: Answer): void {
    if (!this.isAlive()) return;
    this.#events.onOutput(encodePiece(PROGRAM_OUTPUT.FILE_RESPONSE, FileResponse.encode({ response }).finish()));
  }

  async #letGo(): Promise<void> {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    // What is there is there; closing it, or taking it away, can tell nothing that is needed.
    await incoming?.abandon().catch(() => {});
  }

  #end(exitCode: number): void {
    if (!this.isAlive()) return;
    this.#ended.abort();
    this.resume();
    if (!this.#isBusy) void this.#letGo();
    this.#events.onExit(exitCode);
  }
}

function ended(): FileError {
  return new FileError("OTHER", "the session has ended");
}
