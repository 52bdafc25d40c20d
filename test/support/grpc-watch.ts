// A server stream as tests read it: one response at a time, cancelled or left unread at will.

import { Client, credentials, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";

export interface Watch<Response> {
  /** The server serves it, whether or not it has something to tell. */
  opened(): Promise<void>;
  /** The next response. Rejects with the stream's error, or where it ends or stays silent. */
  next(): Promise<Response>;
  /** Responses until one matches, that one included. */
  until(matches: (response: Response) => boolean): Promise<Response[]>;
  /** How the stream failed. Rejects where it ends well or goes on. */
  failure(): Promise<ServiceError>;
  /** Reads nothing, until `resume`. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

const SILENCE_MS = 15_000;

export function watch<Request, Response>(
  port: number,
  method: MethodDefinition<Request, Response>,
  request: Request,
  token: string,
): Watch<Response> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
  const responses: Response[] = [];
  let error: ServiceError | undefined;
  let isOver = false;
  let wake = (): void => {};
  let isOpen = false;
  stream.on("metadata", () => {
    isOpen = true;
    wake();
  });
  stream.on("data", (response: Response) => {
    responses.push(response);
    wake();
  });
  stream.on("error", (cause: ServiceError) => {
    error = cause;
    wake();
  });
  stream.on("close", over);
  stream.on("end", over);
  function over(): void {
    isOver = true;
    wake();
    client.close();
  }
  async function waitFor<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`${path} is silent`)), SILENCE_MS);
      wake = resolve;
      await promise.finally(() => clearTimeout(timer));
    }
  }
  const next = (): Promise<Response> =>
    waitFor(() => {
      const response = responses.shift();
      if (response === undefined && error !== undefined) throw error;
      if (response === undefined && isOver) throw new Error(`${path} has ended`);
      return response;
    });
  return {
    opened: async () => void (await waitFor(() => isOpen || undefined)),
    next,
    async until(matches) {
      const seen: Response[] = [];
      for (;;) {
        const response = await next();
        seen.push(response);
        if (matches(response)) return seen;
      }
    },
    failure: () =>
      waitFor(() => {
        if (error === undefined && isOver) throw new Error(`${path} has ended well`);
        return error;
      }),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel: () => stream.cancel(),
  };
}
