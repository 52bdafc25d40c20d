// Standard input as Ink reads it, without leaving a mark on it. Ink sets an encoding on its input, for good; a terminal
// that is opened from the TUI needs the bytes.

import { PassThrough } from "node:stream";
import type { ReadStream } from "node:tty";

/** As much of a terminal as Ink asks of its input. */
export class KeyStream extends PassThrough {
  readonly isTTY = true;
  readonly #input: ReadStream;
  readonly #onData = (bytes: Buffer): void => void this.write(bytes);

  constructor(input: ReadStream) {
    super();
    this.#input = input;
  }

  /** Only while it is raw are keys this program's. */
  setRawMode(isRaw: boolean): this {
    this.#input.setRawMode(isRaw);
    this.#input.off("data", this.#onData);
    if (isRaw) this.#input.on("data", this.#onData).resume();
    else this.#input.pause();
    return this;
  }

  ref(): this {
    this.#input.ref();
    return this;
  }

  unref(): this {
    this.#input.unref();
    return this;
  }
}
