// The requests of a stream that callers write to, one at a time: what is not asked for stays with its sender.

import { setImmediate } from "node:timers/promises";
import type { ServerDuplexStream, ServerReadableStream } from "@grpc/grpc-js";
import type { Requests } from "./call-context.ts";
import { decoded, type Decoded } from "./decode-request.ts";
import type { ServerCall } from "./serve-call.ts";

/**
 * Of one request. grpc-js reads sixteen of them ahead, and up to a hundred streams come over one connection.
 * Four times what gRPC advises for a piece of a long stream.
 */
export const MAX_STREAM_REQUEST_BYTES = 256 * 1024;

type Call<Request> = ServerDuplexStream<Decoded<Request>, never> | ServerReadableStream<Decoded<Request>, never>;

/** `signal` ends what waits. */
export function requestsOf<Request>(call: Call<Request>, signal: AbortSignal): Requests<Request> {
  let wake = (): void => {};
  call.on("readable", () => wake());
  call.on("end", () => wake());
  signal.addEventListener("abort", () => wake(), { once: true });
  return {
    async next() {
      for (;;) {
        signal.throwIfAborted();
        const arrived = call.read() as Decoded<Request> | null;
        if (arrived !== null) return decoded(arrived);
        if (call.readableEnded) {
          // grpc-js 1.14.7 tells of a cancelled call first as of one whose requests have ended, and takes that back in the
          // same turn of the event loop: what was cut off would be taken for complete.
          await setImmediate();
          signal.throwIfAborted();
          return undefined;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
  };
}

/** Such a call at its arrival, as serveCall wants it: it has no request of its own. */
export function arrivalOf(call: Call<unknown>): ServerCall<undefined> {
  return {
    request: { outcome: "decoded", request: undefined },
    metadata: call.metadata,
    cancelled: call.cancelled,
    getPeer: () => call.getPeer(),
    on: (event, listener) => call.on(event, listener),
  };
}
