// Reads the control frames of strangers, strictly. The generated decoder is lenient: it stops without a word at a tag of
// zero or the end of a group, and turns invalid UTF-8 into U+FFFD.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { Control } from "../../../gen/rexec/stream/v1/control.ts";
import { CONTROL_SENDERS, type ControlMessage, type Sender } from "../../../protocol/control-frame.ts";
import { FrameError } from "../../../protocol/data-frame.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The message of a control frame that `sender` sent; undefined for a type that is unknown, or not `sender`'s to send.
 * Throws FrameError where the bytes are no Control message.
 */
export function readControl(frame: Uint8Array, sender: Sender): ControlMessage | undefined {
  const body = frame.subarray(1);
  let message: Control["message"];
  try {
    walkFields(body);
    message = Control.decode(new BinaryReader(body, (text) => strictUtf8.decode(text))).message;
  } catch (cause) {
    throw new FrameError("control frame is not Protobuf", { cause });
  }
  if (message === undefined) return undefined;
  const senders: readonly Sender[] = CONTROL_SENDERS[message.$case];
  return senders.includes(sender) ? message : undefined;
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
