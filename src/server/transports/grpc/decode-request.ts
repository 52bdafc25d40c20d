// Reads a request's bytes strictly, and never throws: grpc-js answers that with INTERNAL and the error's own text.

import { invalidField } from "../../domain/domain-error.ts";
import { strictReader } from "../shared/strict-reader.ts";

export type Decoded<Request> = { outcome: "decoded"; request: Request } | { outcome: "undecodable"; cause: unknown };

/** `decode` is a method's generated requestDeserialize: it passes what it gets to a decoder that takes a reader too. */
export function decodeRequest<Request>(
  decode: (bytes: Buffer) => Request,
  bytes: Buffer,
  maxBytes = Number.POSITIVE_INFINITY,
): Decoded<Request> {
  // Nothing of it is kept.
  if (bytes.length > maxBytes) return { outcome: "undecodable", cause: new RangeError(`${bytes.length} bytes`) };
  try {
    return { outcome: "decoded", request: decode(strictReader(bytes) as unknown as Buffer) };
  } catch (cause) {
    return { outcome: "undecodable", cause };
  }
}

/** Throws INVALID_ARGUMENT where it is none. */
export function decoded<Request>(arrived: Decoded<Request>): Request {
  if (arrived.outcome === "decoded") return arrived.request;
  throw invalidField("", "the request's bytes are no valid message of this method");
}
