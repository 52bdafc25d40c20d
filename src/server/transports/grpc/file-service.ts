// FileService: decodes, calls the domain, encodes. What is read goes as fast as the caller takes it, what is written as
// fast as the agent does.

import {
  type File,
  FileKind,
  type FileServiceService,
  type ReadResponse,
  type WriteRequest,
} from "../../../gen/rexec/file/v1/file_service.ts";
import { FILE_KIND, type FileInfo } from "../../../protocol/file-messages.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { type FilePart, list, read, stat, write, type WriteDeps } from "../../domain/files/file-calls.ts";
import type { Handlers, Requests } from "./call-context.ts";

export function fileService(deps: WriteDeps): Handlers<typeof FileServiceService> {
  return {
    async stat({ caller, request, signal }) {
      return { file: fileMessage(await stat(deps, { caller, signal, ...request })) };
    },
    async list({ caller, request, signal }, send) {
      await list(deps, { caller, signal, ...request }, (entries) => send({ files: entries.map(fileMessage) }));
    },
    async read({ caller, request, signal }, send) {
      const respond = (response: NonNullable<ReadResponse["response"]>): Promise<void> => send({ response });
      const { agentId, path, offset, length } = request;
      const { size, sha256 } = await read(
        deps,
        { caller, signal, agentId, path, offset, length },
        {
          info: (info) => respond({ $case: "file", value: fileMessage(info) }),
          data: (bytes) => respond({ $case: "data", value: bufferOf(bytes) }),
        },
      );
      await respond({ $case: "end", value: { size, sha256: bufferOf(sha256) } });
    },
    async write({ caller, requests, signal }) {
      const first = await requests.next();
      if (first?.request?.$case !== "start") throw invalidField("start", "must be the first request");
      const start = { mode: undefined, size: undefined, ...first.request.value };
      const written = await write(deps, { caller, signal, ...start }, () => partOf(requests));
      return { size: written.size, sha256: bufferOf(written.sha256) };
    },
  };
}

async function partOf(requests: Requests<WriteRequest>): Promise<FilePart> {
  const message = await requests.next();
  // A call that was cut off may look so, too.
  if (message === undefined) throw invalidField("finish", "must be the last request");
  const { request } = message;
  switch (request?.$case) {
    case "data":
      return { data: request.value };
    case "finish":
      return { sha256: request.value.sha256 };
    case "start":
      throw invalidField("start", "must come once");
    case undefined:
      throw invalidField("request", "must be one of those that there are");
    default:
      return request satisfies never;
  }
}

/** The last of the year 9999, where a Timestamp ends: an agent may say anything. */
const MAX_TIME_MS = 253_402_300_799_999;
const KINDS: ReadonlyMap<number, FileKind> = new Map([
  [FILE_KIND.FILE, FileKind.FILE_KIND_REGULAR],
  [FILE_KIND.DIRECTORY, FileKind.FILE_KIND_DIRECTORY],
  [FILE_KIND.SYMLINK, FileKind.FILE_KIND_SYMLINK],
]);

function fileMessage({ name, kind, size, mode, modifiedMs, realPath }: FileInfo): File {
  return {
    name,
    kind: KINDS.get(kind) ?? FileKind.FILE_KIND_OTHER,
    size,
    mode,
    modifiedAt: new Date(Math.min(modifiedMs, MAX_TIME_MS)),
    realPath,
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
