// Reads a request's bytes strictly. The generated decoders are lenient: they stop without a word at a zero tag, and
// turn invalid UTF-8 into U+FFFD. Nor may they throw here: grpc-js answers that with INTERNAL and the error's own text.

import { BinaryReader } from "@bufbuild/protobuf/wire";

export type Decoded<Request> = { outcome: "decoded"; request: Request } | { outcome: "undecodable"; cause: unknown };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `decode` is a method's generated requestDeserialize: it passes what it gets to a decoder that takes a reader too. */
export function decodeRequest<Request>(decode: (bytes: Buffer) => Request, bytes: Buffer): Decoded<Request> {
  const reader = new BinaryReader(bytes, (text) => strictUtf8.decode(text));
  try {
    const request = decode(reader as unknown as Buffer);
    if (reader.pos !== reader.len) throw new RangeError(`the message ends at byte ${reader.pos} of ${reader.len}`);
    return { outcome: "decoded", request };
  } catch (cause) {
    return { outcome: "undecodable", cause };
  }
}
