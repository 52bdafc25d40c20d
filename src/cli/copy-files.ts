// Files and directories, to an agent or from it, one after the other on one session.

import { createHash } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { posix } from "node:path";
import { FILE_FAILURE, FILE_KIND, type FileInfo } from "../protocol/file-messages.ts";
import { FileFailed, type FileSession } from "../protocol/file-session.ts";
import { CliError } from "./cli-error.ts";
import type { CopyProgress } from "./copy-progress.ts";
import { copyKey, FetchedFile, hashFile } from "./local-file.ts";

const READ_BYTES = 64 * 1024;
const NEW_FILE_MODE = 0o644;
/** Entries of one directory; more are refused, not left out. */
const MAX_ENTRIES = 1_000_000;

export interface CopyDeps {
  session: FileSession;
  progress: CopyProgress;
  /** What could not be copied, while others could. */
  onFailed: (path: string, why: string) => void;
  /** An attempt before has copied so much of it. */
  onResumed: (path: string, bytes: number) => void;
}

/** Returns how many files were copied. Throws what keeps all of it from being copied. */
export async function upload(deps: CopyDeps, from: string, to: string, recursive: boolean): Promise<number> {
  const there = await remoteInfo(deps.session, to);
  const here = await stat(from);
  const place = there?.kind === FILE_KIND.DIRECTORY ? posix.join(to, basename(from)) : to;
  if (!here.isDirectory()) return uploadFile(deps, from, place);
  if (!recursive) throw isDirectory(from);
  return uploadDirectory(deps, from, place);
}

async function uploadDirectory(deps: CopyDeps, from: string, to: string): Promise<number> {
  // Its owner must be able to write into it.
  await deps.session.makeDirectory(to, (await stat(from)).mode | 0o700);
  let count = 0;
  for (const { name } of await readdir(from, { withFileTypes: true })) {
    const path = join(from, name);
    count += await others(deps, path, async () => {
      const entry = await lstat(path);
      if (entry.isDirectory()) return uploadDirectory(deps, path, posix.join(to, name));
      if (!entry.isFile()) throw notCopied(entry.isSymbolicLink());
      return uploadFile(deps, path, posix.join(to, name));
    });
  }
  return count;
}

async function uploadFile({ session, progress, onResumed }: CopyDeps, from: string, to: string): Promise<number> {
  const handle = await open(from, "r");
  try {
    const { size, mtimeMs, mode, ino } = await handle.stat();
    const key = copyKey(from, ino, size, mtimeMs);
    const offset = await agreedOffset(session, handle, { path: to, mode, key, size });
    if (offset > 0) onResumed(from, offset);
    progress.begin(from, { done: offset, total: size });
    const hash = createHash("sha256");
    await hashFile(handle, hash, offset);
    await sendFrom(
      session,
      handle.createReadStream({ start: offset, autoClose: false, highWaterMark: READ_BYTES }),
      (bytes) => {
        hash.update(bytes);
        progress.add(bytes.length);
      },
    );
    await session.finish(hash.digest());
    return 1;
  } finally {
    progress.end();
    await handle.close();
  }
}

/** What the agent has of it is gone on with where it is the beginning of what we have. */
async function agreedOffset(
  session: FileSession,
  handle: FileHandle,
  { size, ...file }: { path: string; mode: number; key: string; size: number },
): Promise<number> {
  const ready = await session.write({ ...file, fresh: false });
  const hash = createHash("sha256");
  const isOurs = ready.offset <= size && (await hashFile(handle, hash, ready.offset)) === ready.offset;
  if (isOurs && hash.digest().equals(ready.sha256)) return ready.offset;
  await session.write({ ...file, fresh: true });
  return 0;
}

/** Standard input, to its end. */
export async function uploadStream(
  { session, progress }: CopyDeps,
  input: AsyncIterable<Buffer>,
  to: string,
): Promise<number> {
  const hash = createHash("sha256");
  await session.write({ path: to, mode: NEW_FILE_MODE, key: copyKey(to, Date.now(), process.pid), fresh: true });
  progress.begin(to, { done: 0, total: 0 });
  await sendFrom(session, input, (bytes) => {
    hash.update(bytes);
    progress.add(bytes.length);
  });
  await session.finish(hash.digest());
  progress.end();
  return 1;
}

async function sendFrom(
  session: FileSession,
  input: AsyncIterable<Buffer>,
  onSent: (bytes: Buffer) => void,
): Promise<void> {
  for await (const bytes of input) {
    await session.send(bytes);
    onSent(bytes);
  }
}

/** Returns how many files were copied. Throws what keeps all of it from being copied. */
export async function download(deps: CopyDeps, from: string, to: string, recursive: boolean): Promise<number> {
  const info = await deps.session.stat(from);
  const here = await stat(to).catch(() => undefined);
  const place = here?.isDirectory() ? join(to, localName(info.name)) : to;
  if (info.kind !== FILE_KIND.DIRECTORY) return downloadFile(deps, info, place);
  if (!recursive) throw isDirectory(from);
  return downloadDirectory(deps, info, place);
}

async function downloadDirectory(deps: CopyDeps, from: FileInfo, to: string): Promise<number> {
  await mkdir(to, { mode: from.mode | 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  if (!(await lstat(to)).isDirectory()) throw new CliError("USAGE", { message: `${to} is no directory` });
  let count = 0;
  for (const entry of await listed(deps.session, from.realPath)) {
    const path = posix.join(from.realPath, entry.name);
    count += await others(deps, path, async () => {
      const place = join(to, localName(entry.name));
      if (entry.kind !== FILE_KIND.FILE && entry.kind !== FILE_KIND.DIRECTORY)
        throw notCopied(entry.kind === FILE_KIND.SYMLINK);
      // A link that has been put there meanwhile leads the agent elsewhere, within its roots; it leads us nowhere.
      const info = { ...entry, realPath: path };
      return info.kind === FILE_KIND.DIRECTORY ? downloadDirectory(deps, info, place) : downloadFile(deps, info, place);
    });
  }
  return count;
}

async function downloadFile({ session, progress, onResumed }: CopyDeps, info: FileInfo, to: string): Promise<number> {
  const { realPath, size, modifiedMs } = info;
  const file = await FetchedFile.open(to, { key: copyKey(realPath, size, modifiedMs), size });
  try {
    if (file.size > 0) onResumed(realPath, file.size);
    progress.begin(to, { done: file.size, total: size });
    const data = async (bytes: Uint8Array): Promise<void> => {
      await file.write(bytes);
      progress.add(bytes.length);
    };
    const sent = await session.read({ path: realPath, offset: file.size }, { data });
    await file.finish({ ...sent, mode: sent.info.mode });
    return 1;
  } finally {
    progress.end();
    await file.close();
  }
}

/** To standard output. The sum is compared at the end, when it is too late to take anything back: it fails then. */
export async function downloadStream(
  { session }: Pick<CopyDeps, "session">,
  from: string,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<number> {
  const { kind, realPath } = await session.stat(from);
  if (kind === FILE_KIND.DIRECTORY) throw new CliError("USAGE", { message: `${from} is a directory` });
  const hash = createHash("sha256");
  const data = (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    return write(bytes);
  };
  const { sha256 } = await session.read({ path: realPath, offset: 0 }, { data });
  if (!hash.digest().equals(sha256))
    throw new CliError("PROTOCOL", { message: `what arrived of ${from} is not what was sent` });
  return 1;
}

/** One of many: what fails is told, and the others go on. The session's own end is the end of all. */
async function others(deps: CopyDeps, path: string, copy: () => Promise<number>): Promise<number> {
  try {
    return await copy();
  } catch (error) {
    const isItsOwn =
      error instanceof FileFailed || error instanceof CliError || (error instanceof Error && "errno" in error);
    // Bytes of a file that can't be written here are still coming: there is no other file to go on with.
    if (!isItsOwn || !deps.session.isInStep) throw error;
    deps.onFailed(path, error.message);
    return 0;
  }
}

async function listed(session: FileSession, path: string): Promise<FileInfo[]> {
  const all: FileInfo[] = [];
  await session.list(path, async (entries) => {
    all.push(...entries);
    if (all.length > MAX_ENTRIES) throw new Error(`${path} has more than ${MAX_ENTRIES} entries`);
  });
  return all;
}

/** Undefined where nothing is there. */
async function remoteInfo(session: FileSession, path: string): Promise<FileInfo | undefined> {
  try {
    return await session.stat(path);
  } catch (error) {
    if (error instanceof FileFailed && error.code === FILE_FAILURE.NOT_FOUND) return undefined;
    throw error;
  }
}

/** A stranger's: it must not lead out of the directory that it is in. */
function localName(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name))
    throw new CliError("PROTOCOL", { message: `the agent gives a file a name that can't be: ${JSON.stringify(name)}` });
  return name;
}

function isDirectory(path: string): CliError {
  return new CliError("USAGE", { message: `${path} is a directory`, hint: "copy it with -r" });
}

function notCopied(isLink: boolean): CliError {
  return new CliError("USAGE", { message: isLink ? "symbolic link: not followed" : "no regular file: not copied" });
}
