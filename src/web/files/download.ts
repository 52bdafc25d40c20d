// A file of an agent to the browser's downloads: gathered in a Blob, which the browser keeps off the page's memory, compared,
// and only then saved.

import { sha256 } from "@noble/hashes/sha2.js";
import type { FileInfo } from "../../protocol/file-messages.ts";
import type { FileSession } from "../../protocol/file-session.ts";
import { harmless } from "../../text/harmless.ts";
import { element } from "../element.ts";
import { isSame } from "./bytes.ts";
import { CopyTrouble, type FileJob, type JobSteps } from "./file-job.ts";

/** Browsers put larger Blobs on the disk, and not all of them well. */
const MAX_DOWNLOAD_BYTES = 2 ** 30;
/** Pieces that are gathered before they are handed to the browser. */
const BLOB_BYTES = 4 * 2 ** 20;
/** The browser has begun to save it by then. */
const SAVE_MS = 60_000;

export class Download implements FileJob {
  readonly direction = "down";
  readonly title: string;
  readonly #path: string;
  #got = nothing();

  constructor(path: string) {
    this.#path = path;
    this.title = harmless(path.slice(path.lastIndexOf("/") + 1));
  }

  async run(session: FileSession, { progress, signal }: JobSteps): Promise<string> {
    const info = await session.stat(this.#path);
    if (info.size > MAX_DOWNLOAD_BYTES) {
      throw new CopyTrouble("It has more than 1 GiB. The command line takes it: rexec cp AGENT:PATH .");
    }
    if (!isSameFile(info, this.#got.info)) this.#got = { ...nothing(), info };
    const got = this.#got;
    progress(got.bytes, info.size);
    const data = async (bytes: Uint8Array): Promise<void> => {
      signal.throwIfAborted();
      if (got.bytes + bytes.length > MAX_DOWNLOAD_BYTES) throw new CopyTrouble("It has more than it said.");
      take(got, bytes);
      progress(got.bytes, info.size);
    };
    const sent = await session.read({ path: info.realPath, offset: got.bytes }, { data });
    const isWhole = got.bytes === sent.size && isSame(got.hash.clone().digest(), sent.sha256);
    if (!isWhole) {
      this.#got = nothing();
      throw new CopyTrouble("What has arrived is not what was sent: it may have changed meanwhile.");
    }
    save(new Blob([...got.blobs, ...got.held]), harmless(info.name).replace(/[/\\]/g, "_"));
    this.#got = nothing();
    return "Downloaded";
  }

  /** There is nothing of it on the agent. */
  async discard(): Promise<void> {}
}

interface Got {
  info: FileInfo | undefined;
  blobs: Blob[];
  held: Uint8Array<ArrayBuffer>[];
  heldBytes: number;
  bytes: number;
  hash: ReturnType<typeof sha256.create>;
}

function nothing(): Got {
  return { info: undefined, blobs: [], held: [], heldBytes: 0, bytes: 0, hash: sha256.create() };
}

function take(got: Got, bytes: Uint8Array): void {
  got.hash.update(bytes);
  got.held.push(Uint8Array.from(bytes));
  got.heldBytes += bytes.length;
  got.bytes += bytes.length;
  if (got.heldBytes < BLOB_BYTES) return;
  got.blobs.push(new Blob(got.held));
  got.held = [];
  got.heldBytes = 0;
}

function isSameFile(a: FileInfo, b: FileInfo | undefined): boolean {
  return a.realPath === b?.realPath && a.size === b.size && a.modifiedMs === b.modifiedMs;
}

function save(blob: Blob, name: string): void {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), SAVE_MS);
}
