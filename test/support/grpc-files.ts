// FileService as tests call it: what is read put together, what is written sent at will, ends as they come.

import {
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  type File,
  FileServiceClient,
  ListRequest,
  type ListResponse,
  type ReadEnd,
  ReadRequest,
  type ReadResponse,
  StatRequest,
  type WriteRequest,
  type WriteResponse,
  WriteStart,
} from "../../src/gen/rexec/file/v1/file_service.ts";
import { call } from "./test-server.ts";

type Failed = { failed: ServiceError };

export interface ReadCall {
  stream: ClientReadableStream<ReadResponse>;
  file: File | undefined;
  bytes(): Buffer;
  /** Of the responses with bytes. */
  sizes: number[];
  end: Promise<ReadEnd | Failed>;
}

export interface WriteCall {
  stream: ClientWritableStream<WriteRequest>;
  say(request: NonNullable<WriteRequest["request"]>): Promise<void>;
  /** Resolves when it need not wait any longer. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** All is sent. `sha256`: of the whole file. */
  finish(sha256?: Buffer): Promise<WriteResponse | Failed>;
  end: Promise<WriteResponse | Failed>;
}

export interface Files {
  stat(request: Partial<StatRequest>): Promise<File>;
  list(request: Partial<ListRequest>): Promise<File[]>;
  read(request: Partial<ReadRequest>, options?: { isPaused?: boolean }): ReadCall;
  write(start: Partial<WriteStart> | undefined, options?: { deadlineMs?: number }): WriteCall;
  close(): void;
}

export function filesOver(grpcAddress: string, token: string): Files {
  const client = new FileServiceClient(grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return {
    async stat(request) {
      const { file } = (await call(client, "stat", StatRequest.fromPartial(request), token)) as { file: File };
      return file;
    },
    async list(request) {
      const stream = client.list(ListRequest.fromPartial(request), metadata);
      const files: File[] = [];
      for await (const response of stream) files.push(...(response as ListResponse).files);
      return files;
    },
    read: (request, { isPaused = false } = {}) => {
      const stream = client.read(ReadRequest.fromPartial(request), metadata);
      const parts: Buffer[] = [];
      const ended = Promise.withResolvers<ReadEnd | Failed>();
      let end: ReadEnd | undefined;
      const made: ReadCall = {
        stream,
        file: undefined,
        sizes: [],
        bytes: () => Buffer.concat(parts),
        end: ended.promise,
      };
      stream.on("data", ({ response }: ReadResponse) => {
        if (response?.$case === "file") made.file = response.value;
        else if (response?.$case === "end") end = response.value;
        else if (response?.$case === "data") {
          parts.push(Buffer.from(response.value));
          made.sizes.push(response.value.length);
        }
      });
      if (isPaused) stream.pause();
      stream.on("error", (failed: ServiceError) => ended.resolve({ failed }));
      stream.on("end", () => end && ended.resolve(end));
      return made;
    },
    write(start, { deadlineMs } = {}) {
      const ended = Promise.withResolvers<WriteResponse | Failed>();
      const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
      const stream = client.write(metadata, options, (failed, response) =>
        ended.resolve(failed === null ? response : { failed }),
      );
      const made: WriteCall = {
        stream,
        say: (request) =>
          new Promise((resolve) => {
            if (stream.write({ request })) return resolve();
            stream.once("drain", resolve);
            // Nobody reads any more.
            void ended.promise.then(() => resolve());
          }),
        send: (bytes) => made.say({ $case: "data", value: Buffer.from(bytes) }),
        async finish(sha256 = Buffer.alloc(0)) {
          await made.say({ $case: "finish", value: { sha256 } });
          stream.end();
          return ended.promise;
        },
        end: ended.promise,
      };
      if (start !== undefined) void made.say({ $case: "start", value: WriteStart.fromPartial(start) });
      return made;
    },
    close: () => client.close(),
  };
}
