// What is refused of a binary frame before it is looked into, and what becomes of a connection whose frame went wrong.

import { FRAME, FrameError, HEADER_BYTES } from "../../../protocol/data-frame.ts";
import { CLOSE, ERRORS } from "../../../protocol/errors.ts";
import { MAX_CONTROL_BYTES, MAX_DATA_BYTES } from "../../../protocol/limits.ts";
import type { Log } from "../../domain/log.ts";
import type { OrderedSocket } from "./ordered-socket.ts";

export function isOversized(frame: Uint8Array): boolean {
  return frame.length > (frame[0] === FRAME.CONTROL ? MAX_CONTROL_BYTES : HEADER_BYTES + MAX_DATA_BYTES);
}

/** A stranger's frame ends no more than the connection it came on: not even where it hits a mistake of ours. */
export function closeAfterError(deps: { socket: OrderedSocket; log: Log }, error: unknown): void {
  if (error instanceof FrameError) return deps.socket.close(CLOSE.INVALID_DATA, error.message);
  deps.log.error({ err: error }, "frame could not be handled");
  deps.socket.close(CLOSE.INTERNAL, ERRORS.INTERNAL.message);
}
