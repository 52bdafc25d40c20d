// A file of the browser's to an agent: whole or not at all, and gone on with where an attempt before was cut off.

import { sha256 } from "@noble/hashes/sha2.js";
import { FILE_FAILURE, FILE_KIND, type FileInfo } from "../../protocol/file-messages.ts";
import { FileFailed, type FileSession } from "../../protocol/file-session.ts";
import { harmless } from "../../text/harmless.ts";
import { hexOf, isSame } from "./bytes.ts";
import { CopyTrouble, type FileJob, FileThere, type JobSteps } from "./file-job.ts";

const READ_BYTES = 256 * 1024;
const NEW_FILE_MODE = 0o644;
const KEY_DIGITS = 32;

export class Upload implements FileJob {
  readonly direction = "up";
  readonly title: string;
  readonly #file: File;
  readonly #folder: string;
  /** Set when it is known where the folder is. */
  #path = "";
  #mayReplace = false;
  /** It has been said to be complete, and the answer has not come: it may be in its place already. */
  #lastSum: Uint8Array | undefined;

  /** `folder`: as somebody has typed it; where it is, its agent says. */
  constructor(file: File, folder: string) {
    this.#file = file;
    this.#folder = folder;
    this.title = harmless(file.name);
  }

  replace(): void {
    this.#mayReplace = true;
  }

  async run(session: FileSession, { progress, signal }: JobSteps): Promise<string> {
    const { size } = this.#file;
    const there = await this.#findPlace(session);
    if (there !== undefined && (await this.#isThis(session, there))) return this.#done();
    if (there !== undefined && !this.#mayReplace) throw new FileThere(there);
    try {
      const { offset, hash } = await this.#begin(session);
      let at = offset;
      for (progress(at, size); at < size; progress(at, size)) {
        const bytes = await this.#read(at);
        signal.throwIfAborted();
        await session.send(bytes);
        signal.throwIfAborted();
        hash.update(bytes);
        at += bytes.length;
      }
      this.#lastSum = hash.digest();
      await session.finish(this.#lastSum);
      return this.#done();
    } catch (error) {
      const code = error instanceof FileFailed ? error.code : undefined;
      // Nothing will go on with what is there. What went wrong first is told.
      const isUseless = error instanceof CopyTrouble || code === FILE_FAILURE.NO_SPACE || code === FILE_FAILURE.EXISTS;
      if (isUseless) await this.discard(session).catch(() => {});
      throw code === FILE_FAILURE.EXISTS ? new FileThere(undefined) : error;
    }
  }

  async discard(session: FileSession): Promise<void> {
    if (this.#path === "") return;
    await session.write({ ...this.#target(), fresh: true, temporary: true, keepExisting: false });
  }

  #done(): string {
    return `Uploaded to ${harmless(this.#path)}`;
  }

  /** Returns what has its name there already. */
  async #findPlace(session: FileSession): Promise<FileInfo | undefined> {
    const folder = await session.stat(this.#folder);
    if (folder.kind !== FILE_KIND.DIRECTORY) throw new CopyTrouble(`${harmless(folder.realPath)} is no folder.`);
    const path = `${folder.realPath.replace(/\/$/, "")}/${this.#file.name}`;
    const there = await statOrNothing(session, path);
    if (there?.kind === FILE_KIND.DIRECTORY) throw new CopyTrouble(`${harmless(path)} is a folder.`);
    this.#path = path;
    return there;
  }

  async #isThis(session: FileSession, { size }: FileInfo): Promise<boolean> {
    if (this.#lastSum === undefined || size !== this.#file.size) return false;
    // From its end on: nothing is sent but the sum of the whole.
    const { sha256: sum } = await session.read({ path: this.#path, offset: size }, { data: async () => {} });
    return isSame(sum, this.#lastSum);
  }

  /** Where the agent has something of it already, that is gone on with if it is the beginning of what we have. */
  async #begin(session: FileSession): Promise<{ offset: number; hash: ReturnType<typeof sha256.create> }> {
    const { offset, sha256: sum } = await session.write({ ...this.#target(), fresh: false });
    const hash = sha256.create();
    if (offset <= this.#file.size) {
      for (let at = 0; at < offset; at += READ_BYTES) hash.update((await this.#read(at)).subarray(0, offset - at));
      if (isSame(hash.clone().digest(), sum)) return { offset, hash };
    }
    await session.write({ ...this.#target(), fresh: true });
    return { offset: 0, hash: sha256.create() };
  }

  #target() {
    const { name, size, lastModified } = this.#file;
    // One state of one file: what was copied of it before belongs to no other.
    const state = new TextEncoder().encode(JSON.stringify([name, size, lastModified]));
    const key = hexOf(sha256(state)).slice(0, KEY_DIGITS);
    return { path: this.#path, mode: NEW_FILE_MODE, key, keepExisting: !this.#mayReplace };
  }

  async #read(at: number): Promise<Uint8Array> {
    // What browsers say of it names neither the file nor what is wrong with it.
    const read = await this.#file
      .slice(at, at + READ_BYTES)
      .arrayBuffer()
      .catch(() => undefined);
    if (read === undefined || read.byteLength === 0)
      throw new CopyTrouble("It can’t be read here: it has changed or gone, or it is a folder.");
    return new Uint8Array(read);
  }
}

async function statOrNothing(session: FileSession, path: string): Promise<FileInfo | undefined> {
  try {
    return await session.stat(path);
  } catch (error) {
    if (error instanceof FileFailed && error.code === FILE_FAILURE.NOT_FOUND) return undefined;
    throw error;
  }
}
