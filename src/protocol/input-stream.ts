// The viewer's end of what is typed: kept until the PTY has taken it, sent within the window, sent again after a
// resume. Pure: it touches no socket.

import { MAX_DATA_BYTES, MAX_INPUT_IN_FLIGHT_BYTES } from "./limits.ts";

/** Kept input at which write() asks its caller to wait for `drain`. Nothing is dropped above it. */
export const INPUT_HIGH_WATER_BYTES = 256 * 1024;
const INPUT_LOW_WATER_BYTES = 64 * 1024;

interface Chunk {
  offset: number;
  bytes: Uint8Array;
}

/** What a fresh attachment could not take over. */
export interface LostInput {
  /** Sent and never acknowledged: typed or not, nobody knows. */
  unknownBytes: number;
  /** Typed here behind them, never sent, and dropped: it must not run without what came before it. */
  unsentBytes: number;
}

export class InputStream {
  #chunks: Chunk[] = [];
  /** Everything before has been taken by the PTY. */
  #acked = 0;
  /** Everything before has been sent on this connection. */
  #sent = 0;
  /** The furthest that was ever sent for this attachment. */
  #everSent = 0;
  #end = 0;
  /** Index of the chunk that #sent lies in. */
  #next = 0;
  #window = MAX_INPUT_IN_FLIGHT_BYTES;
  #isWaited = false;

  /** Not acknowledged yet, sent or not. */
  get pendingBytes(): number {
    return this.#end - this.#acked;
  }

  get inFlightBytes(): number {
    return this.#sent - this.#acked;
  }

  /** Takes a copy. False: over the high-water mark; wait until takeDrain() says so. */
  write(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      const piece = bytes.slice(at, at + MAX_DATA_BYTES);
      this.#chunks.push({ offset: this.#end, bytes: piece });
      this.#end += piece.length;
    }
    if (this.pendingBytes <= INPUT_HIGH_WATER_BYTES) return true;
    this.#isWaited = true;
    return false;
  }

  /** True once, when a writer that was told to wait may go on. */
  takeDrain(): boolean {
    if (!this.#isWaited || this.pendingBytes > INPUT_LOW_WATER_BYTES) return false;
    this.#isWaited = false;
    return true;
  }

  /** The next frame to send, which then counts as sent; undefined where there is none, or the window is full. */
  next(): Chunk | undefined {
    const chunk = this.#chunks[this.#next];
    const room = this.#acked + this.#window - this.#sent;
    if (!chunk || room <= 0) return undefined;
    const start = this.#sent - chunk.offset;
    const bytes = chunk.bytes.subarray(start, start + room);
    const frame = { offset: this.#sent, bytes };
    this.#sent += bytes.length;
    this.#everSent = Math.max(this.#everSent, this.#sent);
    if (this.#sent === chunk.offset + chunk.bytes.length) this.#next += 1;
    return frame;
  }

  /** The PTY has taken everything before `offset`. False: that much was never sent; the peer is wrong. */
  ack(offset: number): boolean {
    if (offset > this.#everSent) return false;
    if (offset <= this.#acked) return true;
    for (let first = this.#chunks[0]; first && first.offset < offset; first = this.#chunks[0]) {
      const taken = offset - first.offset;
      if (taken < first.bytes.length) {
        this.#chunks[0] = { offset, bytes: first.bytes.subarray(taken) };
        break;
      }
      this.#chunks.shift();
      if (this.#next > 0) this.#next -= 1;
    }
    this.#acked = offset;
    // Can pass what this connection sent: the acknowledgement may be for what the last one did.
    this.#sent = Math.max(this.#sent, offset);
    return true;
  }

  /** The attachment is the old one: go on at `offset`. False: an offset that can't be. */
  resume(offset: number, windowBytes: number): boolean {
    if (offset < this.#acked || !this.ack(offset)) return false;
    this.#setWindow(windowBytes);
    this.#sent = offset;
    this.#next = 0;
    return true;
  }

  /**
   * The attachment is new, and counts input from `offset`. What was never sent goes on, unless what came before it
   * is unknown, or it was meant for another shell.
   */
  restart(offset: number, windowBytes: number, sameStream: boolean): LostInput {
    const unknownBytes = this.#everSent - this.#acked;
    const unsentBytes = this.#end - this.#everSent;
    const isKept = unknownBytes === 0 && sameStream;
    const kept = isKept ? this.#chunks : [];
    this.#setWindow(windowBytes);
    this.#chunks = [];
    this.#next = 0;
    this.#acked = this.#sent = this.#everSent = this.#end = offset;
    for (const { bytes } of kept) {
      this.#chunks.push({ offset: this.#end, bytes });
      this.#end += bytes.length;
    }
    return { unknownBytes, unsentBytes: isKept ? 0 : unsentBytes };
  }

  #setWindow(windowBytes: number): void {
    this.#window = windowBytes > 0 ? windowBytes : MAX_INPUT_IN_FLIGHT_BYTES;
  }
}
