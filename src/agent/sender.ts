// The one ordered way onto a link's socket. It pulls: what is not sent yet stays in the rings, not in a queue here.

import { performance } from "node:perf_hooks";
import { MAX_SEND_QUEUE_BYTES } from "../protocol/limits.ts";
import { GATHER_BYTES, GATHER_MS, type OutputPace } from "./output-pace.ts";
import { youngGarbage } from "../runtime/young-garbage.ts";

/** Unsent bytes in the socket at which pulling stops until a write has completed. */
const MAX_UNSENT_BYTES = 128 * 1024;
/** A source with no more than this goes ahead of those that flood. */
const SMALL_BYTES = 4 * 1024;

/** Something with frames to send: a session. */
export interface FrameSource {
  readonly pace: OutputPace;
  /** How much it has to send, about; decides who goes first. */
  pendingBytes(): number;
  /** The next frame, with at most MAX_DATA_BYTES of data; undefined where there is nothing now. */
  nextFrame(): Uint8Array | undefined;
}

export interface FrameSocket {
  readonly bufferedAmount: number;
  send(frame: Uint8Array, onWritten: () => void): void;
  /** Gives the connection up. */
  terminate(): void;
}

export class Sender {
  readonly #socket: FrameSocket;
  /** Frames with no source to wait in. Bounded: a peer that asks for more than it reads is cut off. */
  #control: Uint8Array[] = [];
  #controlBytes = 0;
  /** Whose turn it is, first come first served. */
  readonly #ready = new Set<FrameSource>();
  /** Sources that flood and have little to send: until they have more, or until this time. */
  readonly #gathering = new Map<FrameSource, number>();
  #gatherTimer: NodeJS.Timeout | undefined;
  #writes: "idle" | "in flight" = "idle";
  #state: "open" | "closed" = "open";

  constructor(socket: FrameSocket) {
    this.#socket = socket;
  }

  /** Sends a frame ahead of all output. */
  control(frame: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    if (this.#controlBytes > MAX_SEND_QUEUE_BYTES) {
      this.close();
      this.#socket.terminate();
      return;
    }
    this.#pumpControl();
  }

  /** Control frames that wait; for callers that can do without one more. */
  get waitingControlBytes(): number {
    return this.#controlBytes;
  }

  /** A source has something to send: at once, which is what an echo is, or gathered where it floods. */
  ready(source: FrameSource): void {
    if (this.#state === "closed") return;
    if (!this.#queue(source) || this.#writes === "in flight") return;
    this.#pump();
  }

  close(): void {
    this.#state = "closed";
    this.#control = [];
    this.#ready.clear();
    this.#gathering.clear();
    clearTimeout(this.#gatherTimer);
  }

  /** False: it gathers. */
  #queue(source: FrameSource): boolean {
    if (this.#ready.has(source)) return true;
    if (source.pace.isFlooding() && source.pendingBytes() < GATHER_BYTES) {
      if (!this.#gathering.has(source)) this.#gathering.set(source, performance.now() + GATHER_MS);
      this.#gatherTimer ??= setTimeout(() => this.#endGathering(), GATHER_MS);
      return false;
    }
    this.#gathering.delete(source);
    this.#ready.add(source);
    return true;
  }

  #endGathering(): void {
    this.#gatherTimer = undefined;
    const now = performance.now();
    for (const [source, untilMs] of this.#gathering) {
      // Timers count whole milliseconds.
      if (untilMs > now + GATHER_MS / 2) continue;
      this.#gathering.delete(source);
      this.#ready.add(source);
    }
    if (this.#gathering.size > 0) this.#gatherTimer = setTimeout(() => this.#endGathering(), GATHER_MS);
    if (this.#writes === "idle") this.#pump();
  }

  #pumpControl(): void {
    while (this.#state === "open" && this.#socket.bufferedAmount < MAX_UNSENT_BYTES) {
      const frame = this.#takeControl();
      if (frame === undefined) return;
      this.#send(frame);
    }
  }

  /** Sends what there is and the socket takes. */
  #pump(): void {
    while (this.#state === "open" && this.#socket.bufferedAmount < MAX_UNSENT_BYTES) {
      const frame = this.#takeControl() ?? this.#takeFrame();
      if (frame === undefined) return;
      this.#send(frame);
    }
  }

  #send(frame: Uint8Array): void {
    this.#socket.send(frame, () => {
      if (this.#writes === "idle" || this.#socket.bufferedAmount > 0) return;
      this.#writes = "idle";
      this.#pump();
    });
    if (this.#socket.bufferedAmount > 0) this.#writes = "in flight";
  }

  #takeControl(): Uint8Array | undefined {
    const frame = this.#control.shift();
    if (frame !== undefined) this.#controlBytes -= frame.length;
    return frame;
  }

  #takeFrame(): Uint8Array | undefined {
    while (true) {
      const source = this.#pick();
      if (source === undefined) return undefined;
      const frame = this.#takeFrom(source);
      if (frame !== undefined) return frame;
    }
  }

  /** The source goes to the end of the line, or leaves it where it has nothing. */
  #takeFrom(source: FrameSource): Uint8Array | undefined {
    this.#ready.delete(source);
    const frame = source.nextFrame();
    if (frame === undefined) return undefined;
    source.pace.sent(frame.length);
    // What was read of the terminal, and the frame.
    youngGarbage.made(2 * frame.length);
    if (source.pendingBytes() > 0) this.#queue(source);
    return frame;
  }

  #pick(): FrameSource | undefined {
    let first: FrameSource | undefined;
    for (const source of this.#ready) {
      if (source.pendingBytes() <= SMALL_BYTES) return source;
      first ??= source;
    }
    return first;
  }
}
