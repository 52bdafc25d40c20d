// One call from its arrival to its answer: admitted, decoded, handled; errors become statuses here and nowhere else.

import { randomUUID } from "node:crypto";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { UserIdentity } from "../../domain/access/rules.ts";
import { DomainError, invalidField } from "../../domain/domain-error.ts";
import type { Log } from "../shared/log.ts";
import { admit, type AdmitDeps } from "./admit.ts";
import type { UnaryHandler } from "./call-context.ts";
import type { Decoded } from "./decode-request.ts";
import { errorStatus } from "./error-status.ts";

export interface ServeCallDeps extends AdmitDeps {
  log: Log;
}

/** What a unary and a server-streaming call of grpc-js have in common. */
export interface ServerCall<Request> {
  readonly request: Decoded<Request>;
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

export type Answer = { outcome: "response"; bytes: Buffer } | { outcome: "error"; status: StatusObject };

/** Never rejects. `handler` undefined: a method that is not served yet, told only to those who might call it. */
export async function serveCall<Request, Response>(
  deps: ServeCallDeps,
  input: {
    path: string;
    call: ServerCall<Request>;
    handler: UnaryHandler<Request, Response> | undefined;
    /** Here and not in grpc-js, which would send an encoder's error text to the client. */
    encode: (response: Response) => Buffer;
  },
): Promise<Answer> {
  const { path, call, handler, encode } = input;
  const requestId = randomUUID();
  const hangUp = new AbortController();
  let caller: UserIdentity | undefined;
  call.on("cancelled", () => {
    deps.log.debug({ requestId, method: path }, "gRPC call cancelled");
    hangUp.abort();
  });
  if (call.cancelled) hangUp.abort();
  try {
    caller = await admit(deps, { path, metadata: call.metadata, peer: call.getPeer() });
    if (handler === undefined) throw new DomainError("UNIMPLEMENTED");
    const request = decoded(call.request);
    const response = await handler({ caller, request, signal: hangUp.signal });
    return { outcome: "response", bytes: encode(response) };
  } catch (error) {
    // Nobody hears this status any more; and what the handler threw is our own abort.
    if (hangUp.signal.aborted)
      return { outcome: "error", status: { code: status.CANCELLED, details: "cancelled", metadata: new Metadata() } };
    return {
      outcome: "error",
      status: statusOf(deps.log, error, { requestId, method: path, userId: caller?.user.id }),
    };
  }
}

function decoded<Request>(arrived: Decoded<Request>): Request {
  if (arrived.outcome === "decoded") return arrived.request;
  throw invalidField("", "the request's bytes are no valid message of this method");
}

/** Logs what the operator must know of, and lets nothing of it out. */
function statusOf(
  log: Log,
  error: unknown,
  fields: { requestId: string; method: string; userId?: string | undefined },
) {
  if (!(error instanceof DomainError) || error.reason === "INTERNAL") {
    log.error({ ...fields, err: error }, "gRPC call failed");
    return errorStatus(new DomainError("INTERNAL"), { request_id: fields.requestId });
  }
  if (error.reason === "BACKEND_UNAVAILABLE") log.warn({ ...fields, err: error }, "gRPC call without its backend");
  return errorStatus(error);
}
