// Reads a request's bytes strictly, and never throws: grpc-js answers that with INTERNAL and the error's own text.

import { strictReader } from "../shared/strict-reader.ts";

export type Decoded<Request> = { outcome: "decoded"; request: Request } | { outcome: "undecodable"; cause: unknown };

/** `decode` is a method's generated requestDeserialize: it passes what it gets to a decoder that takes a reader too. */
export function decodeRequest<Request>(decode: (bytes: Buffer) => Request, bytes: Buffer): Decoded<Request> {
  try {
    return { outcome: "decoded", request: decode(strictReader(bytes) as unknown as Buffer) };
  } catch (cause) {
    return { outcome: "undecodable", cause };
  }
}
