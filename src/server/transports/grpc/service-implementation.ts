// Puts the pipeline between grpc-js and the handlers: no method of any service can be reached around it.

import {
  Metadata,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { DomainError } from "../../domain/domain-error.ts";
import type { CallMeter } from "../../domain/metrics.ts";
import { ACCESS_RULES } from "./access-rules.ts";
import type { CallContext, ExchangeHandler, Send, StreamHandler, UnaryHandler, UploadHandler } from "./call-context.ts";
import { type Decoded, decodeRequest } from "./decode-request.ts";
import { arrivalOf, MAX_STREAM_REQUEST_BYTES, requestsOf } from "./request-stream.ts";
import {
  type Answer,
  type Closing,
  type Draining,
  isServedWhileDraining,
  type Perform,
  serveCall,
  type ServeCallDeps,
  type ServerCall,
} from "./serve-call.ts";
import type { StreamSlots } from "./stream-slots.ts";
import { watchCredential, type WatchCredentialDeps } from "./watch-credential.ts";

export type ImplementServiceDeps = ServeCallDeps & WatchCredentialDeps & Draining & { meter: CallMeter };
type Deps = ImplementServiceDeps &
  Closing & {
    /** Aborts when the server begins to close: streams have no end of their own. */
    stopping: AbortSignal;
    streams: StreamSlots;
  };
type Unary = UnaryHandler<unknown, unknown>;
type Stream = StreamHandler<unknown, unknown>;
type Exchange = ExchangeHandler<unknown, unknown>;
type Upload = UploadHandler<unknown, unknown>;
type Handler = Unary | Stream | Exchange | Upload;
type Method = MethodDefinition<unknown, unknown>;

/** The definition, with requests that arrive as Decoded and responses that leave as bytes, and what serves each method. */
export function implementService(
  deps: Deps,
  definition: ServiceDefinition,
  handlers: Readonly<Record<string, Handler>>,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const rewired: Record<string, Method> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition) as [string, Method][]) {
    rewired[name] = {
      ...method,
      requestDeserialize: (bytes) => decodeRequest(method.requestDeserialize, bytes, limitOf(method)),
      responseSerialize: (bytes) => bytes as Buffer,
    };
    implementation[name] = serveMethod(deps, method, handlers[name]);
  }
  return { definition: rewired, implementation };
}

function serveMethod(deps: Deps, method: Method, handler: Handler | undefined) {
  if (method.requestStream && !method.responseStream) return serveUpload(deps, method, handler as Upload);
  if (method.requestStream) return serveExchange(deps, method, handler as Exchange);
  return method.responseStream
    ? serveStream(deps, method, handler as Stream)
    : serveUnary(deps, method, handler as Unary);
}

/** A call of one request is bounded by the server's own limit. */
function limitOf({ requestStream }: Method): number {
  return requestStream ? MAX_STREAM_REQUEST_BYTES : Number.POSITIVE_INFINITY;
}

function serveUnary(deps: Deps, method: Method, handler: Unary) {
  return (call: ServerUnaryCall<Decoded<unknown>, Buffer>, respond: sendUnaryData<Buffer>): void => {
    // Encoded here and not in grpc-js, which would send an encoder's error text to the client.
    const perform = async (context: Parameters<Unary>[0]) => method.responseSerialize(await handler(context));
    void serveMetered(deps, { method, call, perform }).then((answer) => tell(answer, respond));
  };
}

function serveUpload(deps: Deps, method: Method, handler: Upload) {
  return (call: ServerReadableStream<Decoded<unknown>, Buffer>, respond: sendUnaryData<Buffer>): void => {
    const perform = async ({ caller, peer, signal }: CallContext<unknown>) =>
      method.responseSerialize(await handler({ caller, peer, signal, requests: requestsOf(call, signal) }));
    void serveLong(deps, { method, call, arrived: arrivalOf(call), perform }).then((answer) => tell(answer, respond));
  };
}

function tell(answer: Answer<Buffer>, respond: sendUnaryData<Buffer>): void {
  if (answer.outcome === "done") respond(null, answer.result);
  else respond(answer.status);
}

function serveStream(deps: Deps, method: Method, handler: Stream) {
  return (call: ServerWritableStream<Decoded<unknown>, Buffer>): void =>
    serveStreaming(deps, { method, call, arrived: call, handler });
}

function serveExchange(deps: Deps, method: Method, handler: Exchange) {
  return (call: ServerDuplexStream<Decoded<unknown>, Buffer>): void => {
    const exchange: Stream = ({ caller, peer, signal }, send) =>
      handler({ caller, peer, signal, requests: requestsOf(call, signal) }, send);
    serveStreaming(deps, { method, call, arrived: arrivalOf(call), handler: exchange });
  };
}

type Streaming = ServerWritableStream<Decoded<unknown>, Buffer> | ServerDuplexStream<Decoded<unknown>, Buffer>;

function serveStreaming(
  deps: Deps,
  stream: { method: Method; call: Streaming; arrived: ServerCall<unknown>; handler: Stream },
): void {
  const { method, call, arrived, handler } = stream;
  const perform = (context: CallContext<unknown>) => handler(context, sendOn(call, method, context.signal));
  void serveLong(deps, { method, call, arrived, perform }).then((answer) => {
    if (answer.outcome === "error") call.emit("error", answer.status);
    else call.end();
  });
}

type Long = Streaming | ServerReadableStream<Decoded<unknown>, Buffer>;

/** A call that may go on for long: it ends with what let its caller in, and with the instance's service. */
function serveLong<Result>(
  deps: Deps,
  input: {
    method: Method;
    call: Long;
    arrived: ServerCall<unknown>;
    perform: (context: CallContext<unknown>) => Promise<Result>;
  },
): Promise<Answer<Result>> {
  const { method, call, arrived } = input;
  const perform: Perform<unknown, Result> = async (context, giveUp) => {
    const { path } = method;
    const stop = watchCaller(deps, path, { context, call, giveUp });
    const onDraining = (): void => giveUp(new DomainError("DRAINING"));
    const over = isServedWhileDraining(path) ? deps.stopping : AbortSignal.any([deps.draining, deps.stopping]);
    over.addEventListener("abort", onDraining);
    if (over.aborted) onDraining();
    // A watch that is taken up again may have nothing to say for long: this tells that it is being served.
    else call.sendMetadata(new Metadata());
    try {
      return await input.perform(context);
    } finally {
      over.removeEventListener("abort", onDraining);
      stop();
    }
  };
  return serveMetered(deps, { method, call: arrived, perform });
}

/** Returns what ends it. Where anybody may call there is no credential that could end, and no user to count for. */
function watchCaller(
  deps: Deps,
  path: string,
  stream: {
    context: CallContext<unknown>;
    call: Long;
    giveUp: (error: DomainError) => void;
  },
): () => void {
  if (ACCESS_RULES.get(path)?.scope === "anybody") return () => {};
  const { context, call, giveUp } = stream;
  const { caller } = context;
  const release = deps.streams.take(caller.user.id);
  const stop = watchCredential(deps, { path, caller, metadata: call.metadata, peer: call.getPeer(), giveUp });
  return () => {
    stop();
    release();
  };
}

async function serveMetered<Result>(
  deps: Deps,
  input: { method: Method; call: ServerCall<unknown>; perform: Perform<unknown, Result> },
): Promise<Answer<Result>> {
  const { method, ...rest } = input;
  const startedAtMs = performance.now();
  const answer = await serveCall(deps, { path: method.path, ...rest });
  deps.meter.ended({
    method: method.path.slice(1),
    code: status[answer.outcome === "done" ? status.OK : answer.status.code] ?? "UNKNOWN",
    isStream: method.requestStream || method.responseStream,
    seconds: (performance.now() - startedAtMs) / 1000,
  });
  return answer;
}

/** HTTP/2's flow control is what makes a slow reader's `send` wait. */
function sendOn(call: Streaming, method: Method, signal: AbortSignal): Send<unknown> {
  return async (response) => {
    signal.throwIfAborted();
    const bytes = method.responseSerialize(response);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort);
    try {
      call.write(bytes, (error: Error | null | undefined) => (error ? reject(error) : resolve()));
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
}
