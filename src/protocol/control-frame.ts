// The control frames of rexec.v2: the type byte 0x10 and a Control message of proto/rexec/stream/v1.
// Who may send which message is a table: what is not in it is refused.

import { AgentState_State, Control } from "../gen/rexec/stream/v1/control.ts";
import { FRAME, FrameError } from "./data-frame.ts";
import { MAX_CONTROL_BYTES } from "./limits.ts";

export type ControlMessage = NonNullable<Control["message"]>;
export type ControlCase = ControlMessage["$case"];
export type ControlOf<C extends ControlCase> = Extract<ControlMessage, { $case: C }>["value"];
/** What a session "exec-…" runs. */
export type Program = NonNullable<ControlOf<"open">["program"]>;

/** Whose word a message is. */
export type Sender = "agent" | "server" | "viewer";

/** Every message type and who may send it. `satisfies` makes a new message type without a row a type error. */
export const CONTROL_SENDERS = {
  agentHello: ["agent"],
  sessionStarted: ["agent"],
  attached: ["agent"],
  attachRefused: ["agent"],
  stats: ["agent", "server"],
  systemInfo: ["agent", "server"],
  execResult: ["agent", "server"],
  snapshot: ["agent", "server"],
  gap: ["agent", "server"],
  resized: ["agent", "server"],
  sessionEnded: ["agent", "server"],
  welcome: ["server"],
  attach: ["server"],
  detach: ["server"],
  replay: ["server"],
  stopSession: ["server"],
  exec: ["server", "viewer"],
  resize: ["server", "viewer"],
  open: ["viewer"],
  opened: ["server"],
  agentState: ["server"],
  error: ["server", "agent"],
  event: ["server"],
} as const satisfies Record<ControlCase, readonly Sender[]>;

export function encodeControl(message: ControlMessage): Uint8Array<ArrayBuffer> {
  const body = Control.encode({ message }).finish();
  const frame = new Uint8Array(1 + body.length);
  frame[0] = FRAME.CONTROL;
  frame.set(body, 1);
  return frame;
}

/**
 * Decodes a control frame that `sender` sent. Returns undefined for a message type that this side does not know (a
 * newer peer's) and for one that `sender` may not send: both are "unknown message type" to the caller.
 * Throws FrameError where the bytes are no Control message.
 */
export function decodeControl(frame: Uint8Array, sender: Sender): ControlMessage | undefined {
  if (frame[0] !== FRAME.CONTROL) throw new FrameError("no control frame");
  if (frame.length > MAX_CONTROL_BYTES) throw new FrameError("control frame too large");
  let message: Control["message"];
  try {
    message = Control.decode(frame.subarray(1)).message;
  } catch (cause) {
    throw new FrameError("control frame is not Protobuf", { cause });
  }
  if (message === undefined) return undefined;
  const senders: readonly Sender[] = CONTROL_SENDERS[message.$case];
  return senders.includes(sender) ? message : undefined;
}

/** States of an AgentState message. */
export const AGENT_STATE = {
  ONLINE: AgentState_State.STATE_ONLINE,
  SUSPECT: AgentState_State.STATE_SUSPECT,
  OFFLINE: AgentState_State.STATE_OFFLINE,
} as const;
