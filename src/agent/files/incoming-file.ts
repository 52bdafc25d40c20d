// A file that is being written: beside its place under a name of its own, and in its place only when it is whole.

import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError } from "./file-error.ts";
import type { FileRoots } from "./file-roots.ts";

const { O_CREAT, O_NOFOLLOW, O_RDWR, O_TRUNC } = constants;
const KEY = /^[0-9a-f]{16,64}$/;
const MAX_NAME_BYTES = 255;
const READ_BYTES = 256 * 1024;
/** Nobody but its writer reads it before it is whole. */
const PART_MODE = 0o600;
const PERMISSIONS = 0o777;
/** What file systems say that know one name for each file: FAT, some of networks. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** By the name of the part: who writes one. */
const underWay = new Map<string, IncomingFile>();

export interface IncomingOptions {
  path: string;
  mode: number;
  key: string;
  fresh: boolean;
  keepExisting: boolean;
  temporary: boolean;
}

export class IncomingFile {
  readonly #handle: FileHandle;
  readonly #part: string;
  readonly #place: string;
  readonly #options: IncomingOptions;
  readonly #hash: Hash;
  #size: number;
  #isPlaced = false;
  #writing: Promise<void> = Promise.resolve();
  #isTakenOver = false;

  private constructor(opened: {
    handle: FileHandle;
    part: string;
    place: string;
    options: IncomingOptions;
    hash: Hash;
    size: number;
  }) {
    this.#handle = opened.handle;
    this.#part = opened.part;
    this.#place = opened.place;
    this.#options = opened.options;
    this.#hash = opened.hash;
    this.#size = opened.size;
  }

  /** Goes on with what an attempt before has left under the same key, unless it is to be fresh. */
  static async open(roots: FileRoots, options: IncomingOptions): Promise<IncomingFile> {
    const { path, key, fresh, keepExisting } = options;
    if (!KEY.test(key)) throw new FileError("INVALID", "no key");
    const place = await roots.target(path);
    const there = await lstat(place).catch(() => undefined);
    if (there?.isDirectory()) throw new FileError("IS_DIRECTORY", `${path} is a directory`);
    if (there !== undefined && !there.isFile()) throw new FileError("NOT_REGULAR", `${path} is no regular file`);
    if (there !== undefined && keepExisting) throw new FileError("EXISTS", `${path} is there already`);
    const part = join(dirname(place), partName(basename(place), key));
    // One that was killed is still there for a while: it must not write what this one counts on.
    await underWay.get(part)?.takeOver();
    const handle = await open(part, O_RDWR | O_CREAT | O_NOFOLLOW | (fresh ? O_TRUNC : 0), PART_MODE);
    try {
      roots.requireOpened(handle.fd, part);
      const stats = await handle.stat();
      if (!stats.isFile()) throw new FileError("NOT_REGULAR", `${part} is no regular file`);
      const hash = createHash("sha256");
      const { size } = stats;
      await hashRange(handle, hash, size);
      const incoming = new IncomingFile({ handle, part, place, options, hash, size });
      underWay.set(part, incoming);
      return incoming;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Of what is there so far. */
  sha256(): Buffer {
    return this.#hash.copy().digest();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#requireOwn();
    this.#writing = this.#write(bytes);
    await this.#writing;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#size);
      this.#hash.update(bytes.subarray(at, at + bytesWritten));
      this.#size += bytesWritten;
      at += bytesWritten;
    }
  }

  /** Puts it in its place. Throws FileError "checksum", and removes it, where it is not what was sent. */
  async finish(sha256: Uint8Array): Promise<void> {
    this.#requireOwn();
    try {
      const { size } = await this.#handle.stat();
      if (size !== this.#size) throw new FileError("CHECKSUM", "somebody else has written into the same file");
      if (!this.sha256().equals(sha256)) {
        await rm(this.#part, { force: true });
        throw new FileError("CHECKSUM", "what arrived is not what was sent; nothing was put in place");
      }
      await this.#handle.chmod(this.#options.mode & PERMISSIONS);
      await this.#handle.sync();
      await (this.#options.keepExisting ? this.#moveToFreePlace() : rename(this.#part, this.#place));
      this.#isPlaced = true;
    } finally {
      await this.abandon();
    }
  }

  /** What is there stays for the next attempt, where there may be one. */
  async abandon(): Promise<void> {
    // Whoever takes it over waits for this, too.
    this.#writing = this.#letGo();
    await this.#writing;
  }

  async #letGo(): Promise<void> {
    try {
      await this.#handle.close();
      const isLeft = !this.#isPlaced && !this.#isTakenOver;
      if (isLeft && this.#options.temporary) await rm(this.#part, { force: true });
    } finally {
      if (underWay.get(this.#part) === this) underWay.delete(this.#part);
    }
  }

  /** A rename would replace what has come there meanwhile; a second name for the same file does not. */
  async #moveToFreePlace(): Promise<void> {
    try {
      await link(this.#part, this.#place);
      await rm(this.#part);
    } catch (error) {
      const errno = error instanceof Error && "code" in error ? String(error.code) : "";
      if (!WITHOUT_LINKS.has(errno)) throw error;
      const there = await lstat(this.#place).catch(() => undefined);
      if (there !== undefined) throw new FileError("EXISTS", `${this.#place} is there already`);
      await rename(this.#part, this.#place);
    }
  }

  /** Resolves when it writes no more. */
  async takeOver(): Promise<void> {
    this.#isTakenOver = true;
    await this.#writing.catch(() => {
      // Its own writer hears of it.
    });
  }

  #requireOwn(): void {
    if (this.#isTakenOver) throw new FileError("OTHER", "the same file is being written by another copy");
  }
}

/** Of the first `size` bytes. */
export async function hashRange(handle: FileHandle, hash: Hash, size: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) throw new FileError("OTHER", "the file has become shorter while it was read");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Hidden, and told from the file itself; cut where a name would become too long. */
function partName(name: string, key: string): string {
  const suffix = `.${key}.rexec-part`;
  const room = MAX_NAME_BYTES - suffix.length - 1;
  return `.${Buffer.from(name)
    .subarray(0, room)
    .toString("utf8")
    .replace(/\ufffd+$/, "")}${suffix}`;
}
