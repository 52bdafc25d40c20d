// The requests of a stream that both sides write to, one at a time: what is not asked for stays with its sender.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Requests } from "./call-context.ts";
import { decoded, type Decoded } from "./decode-request.ts";
import type { ServerCall } from "./serve-call.ts";

/**
 * Of one request. grpc-js reads sixteen of them ahead, and up to a hundred streams come over one connection.
 * Four times what gRPC advises for a piece of a long stream.
 */
export const MAX_STREAM_REQUEST_BYTES = 256 * 1024;

type Call<Request> = ServerDuplexStream<Decoded<Request>, never>;

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
        if (call.readableEnded) return undefined;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
  };
}

/** Such a call at its arrival, as serveCall wants it: it has no request of its own. */
export function arrivalOf(call: ServerDuplexStream<unknown, unknown>): ServerCall<undefined> {
  return {
    request: { outcome: "decoded", request: undefined },
    metadata: call.metadata,
    cancelled: call.cancelled,
    getPeer: () => call.getPeer(),
    on: (event, listener) => call.on(event, listener),
  };
}
