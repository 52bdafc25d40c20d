// Both outputs of a command that goes on until it is interrupted: written in order, and as fast as they are read.

import { OrderedWriter } from "../ordered-writer.ts";

const STDOUT = 1;
const STDERR = 2;
/** What is still to be written when it ends is waited for this long. */
const FLUSH_MS = 1000;

export class PacedOutput {
  readonly #writer: OrderedWriter;
  readonly #isQuiet: boolean;
  readonly #gone = new AbortController();

  constructor({ isQuiet }: { isQuiet: boolean }) {
    this.#isQuiet = isQuiet;
    this.#writer = new OrderedWriter(() => this.#gone.abort());
  }

  /** Aborted when nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Data. Resolves when they have been taken; also where nobody reads any more. */
  print(text: string): Promise<void> {
    return new Promise((resolve) => this.#writer.write(STDOUT, text, resolve));
  }

  /** Everything else; silent with -q. */
  tell(text: string): void {
    if (!this.#isQuiet) this.#writer.write(STDERR, text);
  }

  flushed(): Promise<void> {
    return this.#writer.flushed(FLUSH_MS);
  }
}
