// A file that is being fetched: beside its place under a name of its own, and in its place only when it is whole.

import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CliError } from "./cli-error.ts";

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
const READ_BYTES = 256 * 1024;
const PERMISSIONS = 0o777;

/** Names one state of one file: what was copied of it before belongs to no other. */
export function copyKey(...parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

export class FetchedFile {
  readonly #handle: FileHandle;
  readonly #part: string;
  readonly #place: string;
  readonly #hash: Hash;
  #size: number;

  private constructor(opened: { handle: FileHandle; part: string; place: string; hash: Hash; size: number }) {
    this.#handle = opened.handle;
    this.#part = opened.part;
    this.#place = opened.place;
    this.#hash = opened.hash;
    this.#size = opened.size;
  }

  /** Goes on with what is there under the key, which is no more than `size`. */
  static async open(place: string, { key, size }: { key: string; size: number }): Promise<FetchedFile> {
    const part = join(dirname(place), `.${basename(place).slice(0, 180)}.${key}.rexec-part`);
    // In a directory of everybody's somebody may have put a link there.
    const handle = await open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    const hash = createHash("sha256");
    let there = (await handle.stat()).size;
    if (there > size) {
      await handle.truncate(0);
      there = 0;
    }
    await hashFile(handle, hash, there);
    return new FetchedFile({ handle, part, place, hash, size: there });
  }

  get size(): number {
    return this.#size;
  }

  /** At its own place in the file: where two copy the same at once, both write the same. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#size + at);
      at += bytesWritten;
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Throws CliError, and removes it, where it is not what was sent. */
  async finish(sent: { sha256: Uint8Array; size: number; mode: number }): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size !== sent.size || this.#size !== sent.size || !this.#hash.digest().equals(sent.sha256)) {
      await rm(this.#part, { force: true });
      throw new CliError("PROTOCOL", {
        message: `what arrived of ${this.#place} is not what was sent; nothing was put in place`,
        hint: "it may have changed while it was read: try again",
      });
    }
    await this.#handle.chmod(sent.mode & PERMISSIONS);
    await this.#handle.sync();
    await rename(this.#part, this.#place);
  }

  /** What is there stays, for the next attempt. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The first `size` bytes; how many there were. */
export async function hashFile(handle: FileHandle, hash: Hash, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}
