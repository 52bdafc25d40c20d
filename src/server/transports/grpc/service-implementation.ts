// Puts the pipeline between grpc-js and the handlers: no method of any service can be reached around it.

import type {
  MethodDefinition,
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { UnaryHandler } from "./call-context.ts";
import { type Decoded, decodeRequest } from "./decode-request.ts";
import { type Closing, serveCall, type ServeCallDeps } from "./serve-call.ts";

type Handler = UnaryHandler<unknown, unknown>;
type Method = MethodDefinition<unknown, unknown>;

/** The definition, with requests that arrive as Decoded and responses that leave as bytes, and what serves each method. */
export function implementService(
  deps: ServeCallDeps & Closing,
  definition: ServiceDefinition,
  handlers: Readonly<Record<string, Handler | undefined>>,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } {
  const rewired: Record<string, Method> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition) as [string, Method][]) {
    rewired[name] = {
      ...method,
      requestDeserialize: (bytes) => decodeRequest(method.requestDeserialize, bytes),
      responseSerialize: (bytes) => bytes as Buffer,
    };
    implementation[name] = method.responseStream ? serveStream(deps, method) : serveUnary(deps, method, handlers[name]);
  }
  return { definition: rewired, implementation };
}

function serveUnary(deps: ServeCallDeps & Closing, method: Method, handler: Handler | undefined) {
  return (call: ServerUnaryCall<Decoded<unknown>, Buffer>, respond: sendUnaryData<Buffer>): void => {
    void serveCall(deps, { path: method.path, call, handler, encode: method.responseSerialize }).then((answer) => {
      if (answer.outcome === "response") respond(null, answer.bytes);
      else respond(answer.status);
    });
  };
}

/** No stream is served yet: each ends with its status before the first message. */
function serveStream(deps: ServeCallDeps & Closing, method: Method) {
  return (call: ServerWritableStream<Decoded<unknown>, Buffer>): void => {
    const input = { path: method.path, call, handler: undefined, encode: method.responseSerialize };
    void serveCall(deps, input).then((answer) => {
      if (answer.outcome === "error") call.emit("error", answer.status);
      else call.end();
    });
  };
}
