// When a shell must wait for its viewers: the window between its output and the fastest viewer's acknowledgement.
// Pure: no PTY, no timer; the clock is injected.

import {
  ACK_EVERY_BYTES,
  MAX_OUTPUT_WINDOW_BYTES,
  OUTPUT_WINDOW_BYTES,
  RESUME_GRACE_MS,
  SCROLLBACK_RING_BYTES,
} from "../protocol/limits.ts";

/** A window of this many bytes per millisecond of round trip keeps 8 MB/s flowing to a far viewer. */
const BYTES_PER_RTT_MS = 8 * 1024;
/** A viewer that reads 1 MB/s takes this long for the bytes it acknowledges at once: that is no distance, and must not buy a larger window. */
const NEAR_RTT_MS = 32;
/** Left free in the ring while output is held for a viewer that may come back: the PTY is read in bursts. */
const RING_RESERVE_BYTES = 256 * 1024;
const HOLD_BYTES = SCROLLBACK_RING_BYTES - RING_RESERVE_BYTES;

interface Position {
  state: "live" | "lingering";
  /** Everything before has been consumed; for the window. */
  acked: number;
  /** Set while output is held for it in the ring: it lingers, or is back and still fetches what it missed. */
  held?: { from: number; until: number };
  /** A viewer that is back has caught up here. */
  caughtUpAt: number;
}

export class OutputFlow {
  readonly #now: () => number;
  readonly #positions = new Map<number, Position>();
  #state: "run" | "pause" = "run";
  #minRttMs = Number.POSITIVE_INFINITY;
  #probe: { offset: number; sentAtMs: number } | undefined;
  #sent = 0;

  /** `now`: milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A viewer came, or came back; it gets everything from `cursor` on without asking. */
  attach(attachment: number, cursor: number): void {
    const held = this.#positions.get(attachment);
    const position: Position = { state: "live", acked: cursor, caughtUpAt: cursor };
    // It acknowledges what it has missed as it reads it: until then the ring must not lose that.
    if (held !== undefined && held.acked < cursor) {
      position.held = { from: held.held?.from ?? held.acked, until: this.#now() + RESUME_GRACE_MS };
    }
    this.#positions.set(attachment, position);
  }

  /** A viewer is gone and may come back. */
  linger(attachment: number): void {
    const position = this.#positions.get(attachment);
    if (position === undefined || position.state === "lingering") return;
    position.state = "lingering";
    position.held = { from: position.held?.from ?? position.acked, until: this.#now() + RESUME_GRACE_MS };
  }

  forget(attachment: number): void {
    this.#positions.delete(attachment);
  }

  /** A viewer has consumed everything before `offset`: by its own word, or because it was given what stands for it. */
  consumed(attachment: number, offset: number): void {
    const position = this.#positions.get(attachment);
    if (position === undefined) return;
    position.acked = Math.max(position.acked, offset);
    if (position.held !== undefined) {
      position.held.from = Math.max(position.held.from, offset);
      if (position.state === "live" && offset >= position.caughtUpAt) delete position.held;
    }
    if (this.#probe !== undefined && offset >= this.#probe.offset) {
      this.#minRttMs = Math.min(this.#minRttMs, this.#now() - this.#probe.sentAtMs);
      this.#probe = undefined;
    }
  }

  /**
   * Everything before `offset` was sent. The byte that makes a viewer acknowledge, sent while little else was under way,
   * starts a measurement of the round trip; in a flood it would measure the queue.
   */
  sent(offset: number): void {
    const mark = this.#fastest() + ACK_EVERY_BYTES;
    if (this.#probe === undefined && this.#sent < mark && offset >= mark)
      this.#probe = { offset: mark, sentAtMs: this.#now() };
    this.#sent = offset;
  }

  get windowBytes(): number {
    if (this.#minRttMs <= NEAR_RTT_MS || this.#minRttMs === Number.POSITIVE_INFINITY) return OUTPUT_WINDOW_BYTES;
    return Math.min(Math.round(this.#minRttMs * BYTES_PER_RTT_MS), MAX_OUTPUT_WINDOW_BYTES);
  }

  /** May the shell go on, with its output at `head`? Paused at the window, it goes on at half of it. */
  decide(head: number): "run" | "pause" {
    this.#state = this.#mustWait(head) ? "pause" : "run";
    return this.#state;
  }

  /** Viewers that were waited for long enough, and the time of the next such decision. */
  expired(): { lingering: number[]; nextInMs: number | undefined } {
    const now = this.#now();
    const lingering: number[] = [];
    let next: number | undefined;
    for (const [attachment, position] of this.#positions) {
      if (position.held === undefined) continue;
      const leftMs = position.held.until - now;
      if (leftMs > 0) next = Math.min(next ?? leftMs, leftMs);
      else if (position.state === "lingering") lingering.push(attachment);
      else delete position.held;
    }
    return { lingering, nextInMs: next };
  }

  #mustWait(head: number): boolean {
    // Called for every read of the PTY: no allocation.
    let live = 0;
    let upToDate = 0;
    let fastest = 0;
    let heldFrom = -1;
    for (const { state, acked, held } of this.#positions.values()) {
      if (state === "live") {
        live += 1;
        if (held === undefined) upToDate += 1;
        if (acked > fastest) fastest = acked;
      }
      if (held !== undefined && held.from > heldFrom) heldFrom = held.from;
    }
    if (live > 0) {
      const unacked = head - fastest;
      if (unacked >= this.windowBytes) return true;
      if (this.#state === "pause" && unacked > this.windowBytes / 2) return true;
    }
    // Whoever is there and up to date paces the shell alone.
    return upToDate === 0 && heldFrom >= 0 && head - heldFrom >= HOLD_BYTES;
  }

  #fastest(): number {
    let fastest = 0;
    for (const position of this.#positions.values()) {
      if (position.state === "live" && position.acked > fastest) fastest = position.acked;
    }
    return fastest;
  }
}
