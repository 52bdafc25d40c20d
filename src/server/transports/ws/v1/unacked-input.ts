// What a v1 user has typed and the shell has not taken yet. A v1 client knows no offsets and keeps nothing:
// the server keeps it, bounded, and sends it again when the agent is back.

import { type DataHeader, encodeDataFrame, FRAME } from "../../../../protocol/data-frame.ts";
import { MAX_DATA_BYTES, MAX_INPUT_IN_FLIGHT_BYTES } from "../../../../protocol/limits.ts";

export class UnackedInput {
  #bytes: Buffer = Buffer.alloc(0);
  /** Offset of the first byte in #bytes. */
  #start = 0;
  /** Offset after the last byte that has been sent. */
  #sent = 0;

  /** At this much the socket is not read for a while. */
  get isFull(): boolean {
    return this.#bytes.length >= MAX_INPUT_IN_FLIGHT_BYTES;
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** The shell has taken everything before `offset`. */
  onAck(offset: number): void {
    const taken = Math.min(offset - this.#start, this.#bytes.length);
    if (taken <= 0) return;
    this.#bytes = this.#bytes.subarray(taken);
    this.#start += taken;
    this.#sent = Math.max(this.#sent, this.#start);
  }

  /**
   * The attachment is known up to `offset`: what lies behind that is to be sent again. Or it is new, and counts from
   * `offset`: whether what was sent has been typed is unknown then, and neither that nor what follows it is typed.
   */
  restart(offset: number, resumed: boolean): void {
    if (resumed) this.onAck(offset);
    else {
      if (this.#sent > this.#start) this.#bytes = Buffer.alloc(0);
      this.#start = offset;
    }
    this.#sent = this.#start;
  }

  /** The frames to send now: in flight is never more than a v2 client may have. */
  *takeFrames(at: Pick<DataHeader, "stream" | "attachment">): Generator<Uint8Array> {
    const limit = Math.min(this.#start + this.#bytes.length, this.#start + MAX_INPUT_IN_FLIGHT_BYTES);
    while (this.#sent < limit) {
      const from = this.#sent - this.#start;
      const piece = this.#bytes.subarray(from, Math.min(from + MAX_DATA_BYTES, limit - this.#start));
      yield encodeDataFrame({ type: FRAME.INPUT, ...at, offset: this.#sent }, piece);
      this.#sent += piece.length;
    }
  }
}
