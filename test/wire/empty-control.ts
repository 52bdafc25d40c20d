// A control message of any type with nothing in it.

import { Control } from "../../src/gen/rexec/stream/v1/control.ts";
import type { ControlCase, ControlMessage } from "../../src/protocol/control-frame.ts";

export function emptyControl($case: ControlCase): ControlMessage {
  const { message } = Control.fromPartial({ message: { $case, value: {} } as never });
  if (message === undefined) throw new Error(`no control message: ${$case}`);
  return message;
}
