// The viewer's end of a shell's output: which bytes are due next, and how far they have been consumed.
// Pure: it touches no socket. What it lets through is the shell's output, each byte once and in order.

import { ACK_EVERY_BYTES } from "./limits.ts";

/** One piece handed to the consumer; given back when it has been consumed. */
export interface Delivery {
  /** The offset that is consumed with it; undefined once the stream that it belonged to has been left. */
  end: number | undefined;
  size: number;
  isSnapshot: boolean;
  isConsumed: boolean;
}

export type Received =
  /** Hand `bytes` to the consumer, then consume(delivery). */
  | { kind: "deliver"; bytes: Uint8Array; delivery: Delivery }
  /** All of it was here before. */
  | { kind: "duplicate" }
  /** Bytes between `expected` and the frame are missing: nothing may be shown. */
  | { kind: "beyond"; expected: number }
  /** The consumer is too far behind what a server may send. */
  | { kind: "overrun" };

export interface Range {
  from: number;
  to: number;
}

/** Handed over and not yet consumed, at most: an honest server stops at a window of 256 KiB and a snapshot of 1 MiB. */
export const MAX_PENDING_OUTPUT_BYTES = 4 * 1024 * 1024;

export class OutputStream {
  /** Where the next new byte belongs. */
  #expected = 0;
  /** Everything before has been consumed. */
  #consumed = 0;
  #acked = 0;
  /** How far this connection's server has sent: acknowledging more would be "from the future". */
  #receivedHere = 0;
  #ackEvery = ACK_EVERY_BYTES;
  /** A snapshot was consumed: acknowledge at once, the server waits for it after a skip. */
  #ackDue = false;
  /** Something of this stream has been shown, so that a jump is a gap. */
  #isShown = false;
  #announcedGap: Range | undefined;
  #pending: Delivery[] = [];
  #pendingBytes = 0;

  /** What `open` says when it resumes. */
  get resumeOffset(): number {
    return this.#consumed;
  }

  get expectedOffset(): number {
    return this.#expected;
  }

  /** Handed over, not yet consumed. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * A connection has been opened. `sameStream` false: another shell; its offsets have nothing to do with the last one's.
   * `sentBefore`: what the server takes as sent and consumed; the output_offset that `open` carried, or 0 for a fresh attachment,
   * that hears nothing of acknowledgements until it has sent something.
   */
  begin(options: { sameStream: boolean; sentBefore: number; ackEveryBytes: number }): void {
    this.#announcedGap = undefined;
    this.#ackEvery = options.ackEveryBytes > 0 ? options.ackEveryBytes : ACK_EVERY_BYTES;
    this.#ackDue = false;
    if (!options.sameStream) {
      for (const delivery of this.#pending) delivery.end = undefined;
      this.#expected = 0;
      this.#consumed = 0;
      this.#isShown = false;
    }
    this.#acked = options.sentBefore;
    this.#receivedHere = options.sentBefore;
  }

  receive(offset: number, bytes: Uint8Array): Received {
    if (offset > this.#expected) return { kind: "beyond", expected: this.#expected };
    const end = offset + bytes.length;
    this.#receivedHere = Math.max(this.#receivedHere, end);
    if (end <= this.#expected) return { kind: "duplicate" };
    const fresh = offset === this.#expected ? bytes : bytes.subarray(this.#expected - offset);
    if (this.#pendingBytes + fresh.length > MAX_PENDING_OUTPUT_BYTES) return { kind: "overrun" };
    this.#expected = end;
    return { kind: "deliver", bytes: fresh, delivery: this.#deliver(end, fresh.length, false) };
  }

  /** The server says that a range is lost; its snapshot follows, and the two are told together. */
  announceGap(range: Range): void {
    this.#announcedGap = range;
  }

  /** The screen at `offset`; output goes on there. Returns what was skipped, where something was. */
  snapshot(offset: number, size: number): { delivery: Delivery; gap: Range | undefined } | undefined {
    if (this.#pendingBytes + size > MAX_PENDING_OUTPUT_BYTES) return undefined;
    const gap = this.#gapBefore(offset);
    this.#announcedGap = undefined;
    // The first picture needs nothing from before it: a connection lost while it is drawn resumes here.
    if (!this.#isShown) this.#consumed = offset;
    this.#isShown = true;
    this.#expected = offset;
    this.#acked = Math.min(this.#acked, offset);
    this.#receivedHere = Math.max(this.#receivedHere, offset);
    return { delivery: this.#deliver(offset, size, true), gap };
  }

  /** The shell has ended at `offset`: what of its output never came. */
  missingAtEnd(offset: number): Range | undefined {
    return offset > this.#expected ? { from: this.#expected, to: offset } : undefined;
  }

  consume(delivery: Delivery): void {
    delivery.isConsumed = true;
    for (let first = this.#pending[0]; first?.isConsumed; first = this.#pending[0]) {
      this.#pending.shift();
      this.#pendingBytes -= first.size;
      if (first.end === undefined) continue;
      this.#consumed = first.end;
      if (first.isSnapshot) this.#ackDue = true;
    }
  }

  /** The offset to acknowledge now, where it is time to. Ask after every receive and every consume. */
  takeAck(): number | undefined {
    const reach = Math.min(this.#consumed, this.#receivedHere);
    if (reach <= this.#acked) return undefined;
    if (!this.#ackDue && reach - this.#acked < this.#ackEvery) return undefined;
    this.#ackDue = false;
    this.#acked = reach;
    return reach;
  }

  #gapBefore(offset: number): Range | undefined {
    const announced = this.#announcedGap;
    if (!this.#isShown) return undefined;
    if (announced) return { from: Math.min(Math.max(announced.from, this.#expected), offset), to: offset };
    return offset > this.#expected ? { from: this.#expected, to: offset } : undefined;
  }

  #deliver(end: number, size: number, isSnapshot: boolean): Delivery {
    const delivery = { end, size, isSnapshot, isConsumed: false };
    this.#pending.push(delivery);
    this.#pendingBytes += size;
    this.#isShown = true;
    return delivery;
  }
}
