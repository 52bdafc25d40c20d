// Tells viewers how much of their input the PTY has taken. Gathered for a moment: a key's receipt must not travel
// ahead of its echo, and a paste needs one receipt, not hundreds.

import { encodeDataFrame, FRAME } from "../protocol/data-frame.ts";
import type { Attachment } from "./attachment.ts";

/** Shorter than any viewer notices; the echo is out long before. */
const DELAY_MS = 3;
/** A paste waits for its receipts: it has at most 128 KiB under way. */
const AT_ONCE_BYTES = 16 * 1024;

export class InputReceipts {
  readonly #send: (frame: Uint8Array) => void;
  readonly #waiting = new Set<Attachment>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
  }

  /** The PTY took input of this attachment. */
  add(attachment: Attachment): void {
    if (attachment.state !== "live") return;
    if (attachment.applied - attachment.receipted >= AT_ONCE_BYTES) return this.#receipt(attachment);
    this.#waiting.add(attachment);
    this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS);
  }

  /** The viewer does not know where its input stands: it is told, even if that was said before. */
  repeat(attachment: Attachment): void {
    this.#waiting.add(attachment);
    this.#timer ??= setTimeout(() => this.#flush(), DELAY_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    for (const attachment of [...this.#waiting]) this.#receipt(attachment);
  }

  #receipt(attachment: Attachment): void {
    this.#waiting.delete(attachment);
    if (attachment.state !== "live") return;
    const { stream, handle, applied } = attachment;
    attachment.receipted = applied;
    this.#send(encodeDataFrame({ type: FRAME.INPUT_ACK, stream, attachment: handle, offset: applied }));
  }
}
