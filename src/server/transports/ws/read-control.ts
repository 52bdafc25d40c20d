// Reads the control frames of strangers, strictly, and refuses what is not theirs to send.

import { Control } from "../../../gen/rexec/stream/v1/control.ts";
import { CONTROL_SENDERS, type ControlMessage, type Sender } from "../../../protocol/control-frame.ts";
import { FrameError } from "../../../protocol/data-frame.ts";
import { strictReader } from "../shared/strict-reader.ts";

/**
 * The message of a control frame that `sender` sent; undefined for a type that is unknown, or not `sender`'s to send.
 * Throws FrameError where the bytes are no Control message.
 */
export function readControl(frame: Uint8Array, sender: Sender): ControlMessage | undefined {
  let message: Control["message"];
  try {
    message = Control.decode(strictReader(frame.subarray(1))).message;
  } catch (cause) {
    throw new FrameError("control frame is not Protobuf", { cause });
  }
  if (message === undefined) return undefined;
  const senders: readonly Sender[] = CONTROL_SENDERS[message.$case];
  return senders.includes(sender) ? message : undefined;
}
