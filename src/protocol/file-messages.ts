// Requests and answers about files, as bytes of pieces (proto/rexec/stream/v1/files.proto).

import { FileFailure_Code, FileInfo_Kind, FileRequest, FileResponse } from "../gen/rexec/stream/v1/files.ts";
import { FrameError } from "./data-frame.ts";
import type { ErrorReason } from "./errors.ts";

export type FileQuestion = NonNullable<FileRequest["request"]>;
export type FileAnswer = NonNullable<FileResponse["response"]>;
export type FileAnswerOf<C extends FileAnswer["$case"]> = Extract<FileAnswer, { $case: C }>["value"];
export type FileInfo = FileAnswerOf<"info">;

export const FILE_KIND = {
  FILE: FileInfo_Kind.KIND_FILE,
  DIRECTORY: FileInfo_Kind.KIND_DIRECTORY,
  SYMLINK: FileInfo_Kind.KIND_SYMLINK,
} as const;
export const FILE_FAILURE = {
  NOT_FOUND: FileFailure_Code.CODE_NOT_FOUND,
  CHECKSUM: FileFailure_Code.CODE_CHECKSUM,
  NO_SPACE: FileFailure_Code.CODE_NO_SPACE,
  EXISTS: FileFailure_Code.CODE_EXISTS,
} as const;

const REASONS: Readonly<Partial<Record<FileAnswerOf<"failure">["code"], ErrorReason>>> = {
  [FileFailure_Code.CODE_NOT_FOUND]: "FILE_NOT_FOUND",
  [FileFailure_Code.CODE_DENIED]: "FILE_DENIED",
  [FileFailure_Code.CODE_OUTSIDE]: "FILE_OUTSIDE_ROOTS",
  [FileFailure_Code.CODE_IS_DIRECTORY]: "FILE_OF_OTHER_KIND",
  [FileFailure_Code.CODE_NOT_DIRECTORY]: "FILE_OF_OTHER_KIND",
  [FileFailure_Code.CODE_NOT_REGULAR]: "FILE_OF_OTHER_KIND",
  [FileFailure_Code.CODE_NO_SPACE]: "FILE_NO_SPACE",
  [FileFailure_Code.CODE_CHECKSUM]: "FILE_CHECKSUM",
  [FileFailure_Code.CODE_INVALID]: "INVALID_ARGUMENT",
  [FileFailure_Code.CODE_EXISTS]: "FILE_EXISTS",
  [FileFailure_Code.CODE_OFFSET]: "FILE_OFFSET_BEYOND_END",
};

/** Of the error table. */
export function fileFailureReason(code: FileAnswerOf<"failure">["code"]): ErrorReason {
  return REASONS[code] ?? "FILE_FAILED";
}

export function encodeFileQuestion(request: FileQuestion): Uint8Array {
  return FileRequest.encode({ request }).finish();
}

/** Undefined for an answer that this side does not know. Throws FrameError for what is none. */
export function decodeFileAnswer(bytes: Uint8Array): FileAnswer | undefined {
  try {
    return FileResponse.decode(bytes).response;
  } catch (cause) {
    throw new FrameError("no answer about a file", { cause });
  }
}
