// How a request about files fails, in the wire's words.

import { type FileFailure, FileFailure_Code } from "../../gen/rexec/stream/v1/files.ts";

const CODES = {
  NOT_FOUND: FileFailure_Code.CODE_NOT_FOUND,
  DENIED: FileFailure_Code.CODE_DENIED,
  OUTSIDE: FileFailure_Code.CODE_OUTSIDE,
  IS_DIRECTORY: FileFailure_Code.CODE_IS_DIRECTORY,
  NOT_DIRECTORY: FileFailure_Code.CODE_NOT_DIRECTORY,
  NOT_REGULAR: FileFailure_Code.CODE_NOT_REGULAR,
  NO_SPACE: FileFailure_Code.CODE_NO_SPACE,
  CHECKSUM: FileFailure_Code.CODE_CHECKSUM,
  INVALID: FileFailure_Code.CODE_INVALID,
  OTHER: FileFailure_Code.CODE_OTHER,
  EXISTS: FileFailure_Code.CODE_EXISTS,
  OFFSET: FileFailure_Code.CODE_OFFSET,
} as const;

type Code = keyof typeof CODES;

export class FileError extends Error {
  override name = "FileError";
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

const OF_ERRNO: Readonly<Record<string, Code>> = {
  ENOENT: "NOT_FOUND",
  EACCES: "DENIED",
  EPERM: "DENIED",
  EROFS: "DENIED",
  // Too many links, or one where none may be.
  ELOOP: "OUTSIDE",
  EISDIR: "IS_DIRECTORY",
  ENOTDIR: "NOT_DIRECTORY",
  EEXIST: "EXISTS",
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
  EFBIG: "NO_SPACE",
  ENAMETOOLONG: "INVALID",
};

export function failureOf(error: unknown): FileFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FileError) return { code: CODES[error.code], message };
  const errno = error instanceof Error && "code" in error ? String(error.code) : "";
  return { code: CODES[OF_ERRNO[errno] ?? "OTHER"], message };
}
