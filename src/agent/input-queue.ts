// What viewers typed and the PTY has not taken yet: in the order it came, each byte once.

import { MAX_INPUT_QUEUE_BYTES } from "../protocol/limits.ts";
import type { Attachment } from "./attachment.ts";

/** A full terminal is tried again after this, and then more rarely: the program may be slow, or not read at all. */
const FIRST_RETRY_MS = 1;
const MAX_RETRY_MS = 20;
const MAX_JOINED_BYTES = 4096;

export interface InputQueueDeps {
  write(bytes: Uint8Array): number | "closed";
  /** The PTY took input of this attachment; its `applied` has grown. */
  onApplied(attachment: Attachment): void;
}

interface Piece {
  attachment: Attachment;
  bytes: Uint8Array;
}

/** Bounded by MAX_INPUT_QUEUE_BYTES per attachment: beyond, frames are not taken and the viewer sends them again. */
export class InputQueue {
  readonly #deps: InputQueueDeps;
  #pieces: Piece[] = [];
  #retryTimer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;

  constructor(deps: InputQueueDeps) {
    this.#deps = deps;
  }

  /**
   * Takes the part of a frame that is new. "ignored": it is known already, begins beyond what has come so far, or does
   * not fit; the viewer is to be told where input stands.
   */
  push(attachment: Attachment, offset: number, bytes: Uint8Array): "taken" | "ignored" {
    const received = attachment.applied + attachment.queued;
    const known = received - offset;
    if (known < 0 || known >= bytes.length) return "ignored";
    const fresh = known === 0 ? bytes : bytes.subarray(known);
    if (attachment.queued + fresh.length > MAX_INPUT_QUEUE_BYTES) return "ignored";
    attachment.queued += fresh.length;
    this.#append(attachment, fresh);
    // A waiting queue is tried by its timer, so that typing does not defeat the back-off.
    if (this.#retryTimer === undefined) this.#drain();
    return "taken";
  }

  /** Keys typed at a program that does not read are kept together: a piece for each would cost far more than its bytes. */
  #append(attachment: Attachment, bytes: Uint8Array): void {
    const last = this.#pieces.at(-1);
    if (last?.attachment === attachment && last.bytes.length + bytes.length <= MAX_JOINED_BYTES) {
      last.bytes = Buffer.concat([last.bytes, bytes]);
    } else {
      this.#pieces.push({ attachment, bytes });
    }
  }

  /** The PTY is gone: nobody will read what waits. */
  close(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#pieces = [];
  }

  #drain(): void {
    while (true) {
      const piece = this.#pieces[0];
      if (piece === undefined) return;
      const taken = this.#deps.write(piece.bytes);
      if (taken === "closed") {
        this.close();
        return;
      }
      if (taken > 0) {
        piece.attachment.applied += taken;
        piece.attachment.queued -= taken;
        this.#deps.onApplied(piece.attachment);
        this.#retryMs = FIRST_RETRY_MS;
      }
      if (taken < piece.bytes.length) {
        piece.bytes = piece.bytes.subarray(taken);
        this.#retryLater();
        return;
      }
      this.#pieces.shift();
    }
  }

  #retryLater(): void {
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#drain();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }
}
