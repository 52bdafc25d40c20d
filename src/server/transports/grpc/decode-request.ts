// Reads a request's bytes strictly. The generated decoders are lenient: they stop without a word at a tag of zero or the
// end of a group, and turn invalid UTF-8 into U+FFFD. Nor may they throw here: grpc-js answers that with INTERNAL and
// the error's own text.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

export type Decoded<Request> = { outcome: "decoded"; request: Request } | { outcome: "undecodable"; cause: unknown };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `decode` is a method's generated requestDeserialize: it passes what it gets to a decoder that takes a reader too. */
export function decodeRequest<Request>(decode: (bytes: Buffer) => Request, bytes: Buffer): Decoded<Request> {
  try {
    walkFields(bytes);
    const reader = new BinaryReader(bytes, (text) => strictUtf8.decode(text));
    return { outcome: "decoded", request: decode(reader as unknown as Buffer) };
  } catch (cause) {
    return { outcome: "undecodable", cause };
  }
}

/** Throws where the bytes are no sequence of whole fields. */
function walkFields(bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.EndGroup) throw new RangeError("a group ends that never began");
    reader.skip(wireType, field);
  }
}
