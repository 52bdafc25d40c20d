// Puts the pipeline between grpc-js and the handlers: no method of any service can be reached around it.

import {
  type MethodDefinition,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { UnaryHandler } from "./call-context.ts";
import { type Decoded, decodeRequest } from "./decode-request.ts";
import { serveCall, type ServeCallDeps } from "./serve-call.ts";

type Handler = UnaryHandler<unknown, unknown>;

/** The definition with requests that arrive as Decoded, and one implementation per method. */
export function implementService(
  deps: ServeCallDeps,
  definition: ServiceDefinition,
  handlers: Readonly<Record<string, Handler | undefined>>,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const decoding: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition) as [string, MethodDefinition<unknown, unknown>][]) {
    decoding[name] = {
      ...method,
      requestDeserialize: (bytes) => decodeRequest(method.requestDeserialize, bytes),
    };
    implementation[name] = method.responseStream
      ? serveStream(deps, method.path)
      : serveUnary(deps, method.path, handlers[name]);
  }
  return { definition: decoding, implementation };
}

function serveUnary(deps: ServeCallDeps, path: string, handler: Handler | undefined) {
  return (call: ServerUnaryCall<Decoded<unknown>, unknown>, respond: sendUnaryData<unknown>): void => {
    void serveCall(deps, { path, call, handler }).then((answer) => {
      if (answer.outcome === "response") respond(null, answer.response);
      else respond(answer.status);
    });
  };
}

/** No stream is served yet: each ends with its status before the first message. */
function serveStream(deps: ServeCallDeps, path: string) {
  return (call: ServerWritableStream<Decoded<unknown>, unknown>): void => {
    void serveCall(deps, { path, call, handler: undefined }).then((answer) => {
      if (answer.outcome === "error") call.emit("error", answer.status);
      else call.end();
    });
  };
}
