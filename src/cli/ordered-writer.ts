// Writes to file descriptors in the order asked, without ever blocking the event loop: a terminal that has been
// stopped, or a pipe that nobody reads, must not keep us from answering pings or from leaving.

import { write, writeSync } from "node:fs";

interface Piece {
  fd: number;
  bytes: Uint8Array;
  done: (() => void) | undefined;
}

/** A descriptor that was made non-blocking by somebody else says "again" instead of waiting. */
const AGAIN_MS = 5;

export class OrderedWriter {
  readonly #queue: Piece[] = [];
  readonly #onBroken: (error: NodeJS.ErrnoException) => void;
  #isBusy = false;
  #isBroken = false;
  #whenIdle: (() => void)[] = [];
  #again: NodeJS.Timeout | undefined;

  /** `onBroken` is told once, when the other end is gone; what is written after it is dropped, and counts as done. */
  constructor(onBroken: (error: NodeJS.ErrnoException) => void) {
    this.#onBroken = onBroken;
  }

  /** `done` is called when the operating system has taken all of it. The caller paces itself by it: the queue itself has no bound. */
  write(fd: number, bytes: Uint8Array | string, done?: () => void): void {
    this.#queue.push({ fd, bytes: typeof bytes === "string" ? Buffer.from(bytes) : bytes, done });
    if (!this.#isBusy) this.#next();
  }

  /**
   * Resolves when everything has been written; or after `timeoutMs` where nobody reads it. Without that it waits for as
   * long as its reader is there.
   */
  flushed(timeoutMs?: number): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
      this.#whenIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    let piece = this.#queue.shift();
    while (piece && (this.#isBroken || piece.bytes.length === 0)) {
      piece.done?.();
      piece = this.#queue.shift();
    }
    this.#isBusy = piece !== undefined;
    if (piece) return this.#write(piece);
    for (const idle of this.#whenIdle.splice(0)) idle();
  }

  #write(piece: Piece): void {
    write(piece.fd, piece.bytes, (error, written) => {
      if (error?.code === "EAGAIN" && !this.#isBroken) {
        this.#again = setTimeout(() => {
          this.#again = undefined;
          this.#write(piece);
        }, AGAIN_MS);
        return;
      }
      if (error) {
        const isNews = !this.#isBroken;
        this.#isBroken = true;
        piece.done?.();
        if (isNews) this.#onBroken(error);
        return this.#next();
      }
      if (written < piece.bytes.length && !this.#isBroken)
        return this.#write({ ...piece, bytes: piece.bytes.subarray(written) });
      piece.done?.();
      this.#next();
    });
  }

  /**
   * Gives up what is queued. Resolves when what is under way has been written, or after `timeoutMs` where nobody reads it:
   * whoever writes next must not find our bytes among its own.
   */
  abandon(timeoutMs: number): Promise<void> {
    this.#queue.length = 0;
    this.#isBroken = true;
    if (this.#again !== undefined) {
      clearTimeout(this.#again);
      this.#again = undefined;
      this.#next();
    }
    return this.flushed(timeoutMs);
  }
}

/** On the way out of the process, when nothing asynchronous runs any more. */
export function writeNow(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // The terminal is gone, and its modes with it.
  }
}
