// Files on an agent: looked at, listed, read and written, one per call.

import type { FileInfo } from "../../../protocol/file-messages.ts";
import type { FileTaker } from "../../../protocol/file-session.ts";
import type { Secrets } from "../access/token.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import { admitFileInput, type FileDeps, type FileInput, withFiles } from "./file-access.ts";

export interface ReadInput extends FileInput {
  offset: number;
  /** Undefined: to the end, and the sum is of the whole file. */
  length: number | undefined;
}

export interface WriteInput extends FileInput {
  /** Permission bits. */
  mode: number | undefined;
  overwrite: boolean;
  /** Of the whole file; undefined: not known before. */
  size: number | undefined;
  /** Empty: nothing of it stays where it fails. */
  resumeKey: string;
  resumeOffset: number;
}

/** What a writer sends: bytes, and at the end the sum of the whole file. Empty: it is summed up here. */
export type FilePart = { data: Uint8Array } | { sha256: Uint8Array };

export interface SummedFile {
  size: number;
  sha256: Uint8Array;
}

export type WriteDeps = FileDeps & { secrets: Pick<Secrets, "sha256"> };

const NEW_FILE_MODE = 0o644;
const MAX_MODE = 0o777;
const SHA256_BYTES = 32;
const KEY = /^[0-9a-f]{16,64}$/;
const KEY_BYTES = 16;

/**
 * Throws AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED, SESSION_LIMIT_REACHED,
 * UNIMPLEMENTED, FILE_NOT_FOUND, FILE_DENIED, FILE_OUTSIDE_ROOTS, FILE_OF_OTHER_KIND, FILE_FAILED.
 */
export async function stat(deps: FileDeps, input: FileInput): Promise<FileInfo> {
  return withFiles(deps, await admitFileInput(deps, input), (session) => session.stat(input.path));
}

/**
 * `take` is waited for. Throws AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED,
 * SESSION_LIMIT_REACHED, UNIMPLEMENTED, FILE_NOT_FOUND, FILE_DENIED, FILE_OUTSIDE_ROOTS, FILE_OF_OTHER_KIND, FILE_FAILED.
 */
export async function list(
  deps: FileDeps,
  input: FileInput,
  take: (entries: readonly FileInfo[]) => Promise<void>,
): Promise<void> {
  return withFiles(deps, await admitFileInput(deps, input), (session) => session.list(input.path, take));
}

/**
 * Returns the size of the file. Throws AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING,
 * AGENT_TERMINAL_LIMIT_REACHED, SESSION_LIMIT_REACHED, UNIMPLEMENTED, FILE_NOT_FOUND, FILE_DENIED, FILE_OUTSIDE_ROOTS,
 * FILE_OF_OTHER_KIND, FILE_OFFSET_BEYOND_END, FILE_FAILED.
 */
export async function read(deps: FileDeps, input: ReadInput, taker: FileTaker): Promise<SummedFile> {
  const { path, offset, length } = input;
  const admitted = await admitFileInput(deps, input);
  const range = { path, offset, ...(length === undefined ? {} : { length }) };
  return withFiles(deps, admitted, (session) => session.read(range, taker));
}

/**
 * Parts are asked for one by one. Throws AGENT_NOT_FOUND, MFA_REQUIRED, AGENT_OFFLINE, AGENT_RECONNECTING,
 * AGENT_TERMINAL_LIMIT_REACHED, SESSION_LIMIT_REACHED, UNIMPLEMENTED, FILE_NOT_FOUND, FILE_EXISTS, FILE_DENIED,
 * FILE_OUTSIDE_ROOTS, FILE_OF_OTHER_KIND, FILE_NO_SPACE, FILE_OFFSET_BEYOND_END, FILE_CHECKSUM, FILE_FAILED.
 */
export async function write(deps: WriteDeps, input: WriteInput, next: () => Promise<FilePart>): Promise<SummedFile> {
  const admitted = await admitFileInput(deps, input, "start.");
  checkWrite(input);
  const { path, mode = NEW_FILE_MODE, overwrite, size, resumeKey, resumeOffset } = input;
  return withFiles(deps, admitted, async (session) => {
    const ready = await session.write({
      path,
      mode,
      key: resumeKey === "" ? deps.secrets.randomHex(KEY_BYTES) : resumeKey,
      fresh: resumeOffset === 0,
      keepExisting: !overwrite,
      temporary: resumeKey === "",
    });
    // An agent that does not know of it would replace what is there.
    if (!overwrite && !ready.keepExisting) throw new DomainError("UNIMPLEMENTED");
    if (ready.offset < resumeOffset) throw new DomainError("FILE_OFFSET_BEYOND_END", { sizeBytes: ready.offset });
    const hash = deps.secrets.sha256();
    let end = resumeOffset;
    for (let part = await next(); ; part = await next()) {
      if ("sha256" in part) {
        if (end !== (size ?? end)) throw invalidField("start.size", `is ${size}, and ${end} bytes have come`);
        const sha256 = sumOf(part.sha256, resumeOffset === 0 ? hash.digest() : undefined);
        return { size: await session.finish(sha256), sha256 };
      }
      const there = Math.max(0, ready.offset - end);
      end += part.data.length;
      if (end > (size ?? end)) throw invalidField("start.size", `is ${size}, and more than that has come`);
      hash.update(part.data);
      await session.send(part.data.subarray(there));
    }
  });
}

/** `arrived` undefined: what has arrived is not all that there is. */
function sumOf(told: Uint8Array, arrived: Uint8Array | undefined): Uint8Array {
  if (told.length === SHA256_BYTES) return told;
  if (told.length > 0) throw invalidField("finish.sha256", `must have ${SHA256_BYTES} bytes`);
  if (arrived === undefined) throw invalidField("finish.sha256", "must be there where a file was gone on with");
  return arrived;
}

function checkWrite({ mode, resumeKey, resumeOffset }: WriteInput): void {
  if (mode !== undefined && mode > MAX_MODE) throw invalidField("start.mode", "must be permission bits, 0777 at most");
  if (resumeKey !== "" && !KEY.test(resumeKey)) {
    throw invalidField("start.resume_key", "must be 16 to 64 hex digits, in lower case");
  }
  if (resumeOffset > 0 && resumeKey === "") throw invalidField("start.resume_key", "must say what is gone on with");
}
