// Tells viewers how much of their input the PTY has taken. Gathered for a moment: a key's receipt must not travel
// ahead of its echo, and a paste needs one receipt, not hundreds.

import { encodeDataFrame, FRAME } from "../protocol/data-frame.ts";
import type { Attachment } from "./attachment.ts";

/**
 * The echo is out long before; a viewer only keeps its keys for as long. At 3 ms the receipts of a fast typist met
 * every fifteenth echo: see docs/performance.md.
 */
const DELAY_MS = 50;
/** A viewer that does not know where its input stands types nothing until it is told; one answer is enough for a burst. */
const REPEAT_DELAY_MS = 3;
/** A paste waits for its receipts: it has at most 128 KiB under way. */
const AT_ONCE_BYTES = 16 * 1024;

export class InputReceipts {
  readonly #send: (frame: Uint8Array) => void;
  readonly #waiting = new Set<Attachment>();
  #timer: NodeJS.Timeout | undefined;
  #repeat: "none" | "due" = "none";

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
    if (this.#repeat === "due") return;
    this.#repeat = "due";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), REPEAT_DELAY_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    this.#repeat = "none";
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
