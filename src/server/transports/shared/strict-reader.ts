// Reads strangers' Protobuf strictly. The generated decoders are lenient: they stop without a word at a tag of zero or
// the end of a group, and turn invalid UTF-8 into U+FFFD.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** For a generated decode(). Throws where the bytes are no sequence of whole fields; invalid UTF-8 throws as it is read. */
export function strictReader(bytes: Uint8Array): BinaryReader {
  const walker = new BinaryReader(bytes);
  while (walker.pos < walker.len) {
    const [field, wireType] = walker.tag();
    if (wireType === WireType.EndGroup) throw new RangeError("a group ends that never began");
    walker.skip(wireType, field);
  }
  return new BinaryReader(bytes, (text) => strictUtf8.decode(text));
}
