// Puts the pipeline between grpc-js and the handlers: no method of any service can be reached around it.

import type {
  MethodDefinition,
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { DomainError } from "../../domain/domain-error.ts";
import { ACCESS_RULES } from "./access-rules.ts";
import type { CallContext, Send, StreamHandler, UnaryHandler } from "./call-context.ts";
import { type Decoded, decodeRequest } from "./decode-request.ts";
import { type Closing, serveCall, type ServeCallDeps } from "./serve-call.ts";
import { watchCredential, type WatchCredentialDeps } from "./watch-credential.ts";

export type ImplementServiceDeps = ServeCallDeps & WatchCredentialDeps;
type Deps = ImplementServiceDeps & Closing;
type Unary = UnaryHandler<unknown, unknown>;
type Stream = StreamHandler<unknown, unknown>;
type Method = MethodDefinition<unknown, unknown>;

/** The definition, with requests that arrive as Decoded and responses that leave as bytes, and what serves each method. */
export function implementService(
  deps: Deps,
  definition: ServiceDefinition,
  handlers: Readonly<Record<string, Unary | Stream | undefined>>,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const rewired: Record<string, Method> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition) as [string, Method][]) {
    rewired[name] = {
      ...method,
      requestDeserialize: (bytes) => decodeRequest(method.requestDeserialize, bytes),
      responseSerialize: (bytes) => bytes as Buffer,
    };
    implementation[name] = method.responseStream
      ? serveStream(deps, method, handlers[name] as Stream | undefined)
      : serveUnary(deps, method, handlers[name] as Unary | undefined);
  }
  return { definition: rewired, implementation };
}

function serveUnary(deps: Deps, method: Method, handler: Unary | undefined) {
  return (call: ServerUnaryCall<Decoded<unknown>, Buffer>, respond: sendUnaryData<Buffer>): void => {
    // Encoded here and not in grpc-js, which would send an encoder's error text to the client.
    const perform =
      handler && (async (context: Parameters<Unary>[0]) => method.responseSerialize(await handler(context)));
    void serveCall(deps, { path: method.path, call, perform }).then((answer) => {
      if (answer.outcome === "done") respond(null, answer.result);
      else respond(answer.status);
    });
  };
}

function serveStream(deps: Deps, method: Method, handler: Stream | undefined) {
  return (call: ServerWritableStream<Decoded<unknown>, Buffer>): void => {
    const perform: Parameters<typeof serveCall<unknown, void>>[1]["perform"] =
      handler &&
      (async (context, giveUp) => {
        const stop = watchCaller(deps, method, { context, call, giveUp });
        try {
          await handler(context, sendOn(call, method, context.signal));
        } finally {
          stop();
        }
      });
    void serveCall(deps, { path: method.path, call, perform }).then((answer) => {
      if (answer.outcome === "error") call.emit("error", answer.status);
      else call.end();
    });
  };
}

/** Where anybody may call there is no credential that could end. */
function watchCaller(
  deps: Deps,
  { path }: Method,
  stream: {
    context: CallContext<unknown>;
    call: ServerWritableStream<unknown, unknown>;
    giveUp: (error: DomainError) => void;
  },
): () => void {
  if (ACCESS_RULES.get(path) === "anybody") return () => {};
  const { context, call, giveUp } = stream;
  return watchCredential(deps, {
    path,
    caller: context.caller,
    metadata: call.metadata,
    peer: call.getPeer(),
    giveUp,
  });
}

/** HTTP/2's flow control is what makes a slow reader's `send` wait. */
function sendOn(call: ServerWritableStream<unknown, Buffer>, method: Method, signal: AbortSignal): Send<unknown> {
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
