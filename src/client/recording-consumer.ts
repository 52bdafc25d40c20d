// A consumer that remembers all it was given and consumes only when told to. For tests.

import type { TerminalConsumer, TerminalEvent } from "./terminal-events.ts";

export class RecordingConsumer implements TerminalConsumer {
  readonly events: TerminalEvent[] = [];
  /** Output since the last reset, as one text. */
  screen = "";
  readonly #unconsumed: (() => void)[] = [];
  readonly #isEager: boolean;
  readonly #onOutput: ((bytes: Uint8Array) => void) | undefined;

  constructor(options: { isEager: boolean; onOutput?: (bytes: Uint8Array) => void }) {
    this.#isEager = options.isEager;
    this.#onOutput = options.onOutput;
  }

  output(bytes: Uint8Array, consumed: () => void): void {
    this.screen += new TextDecoder().decode(bytes);
    this.#onOutput?.(bytes);
    if (this.#isEager) consumed();
    else this.#unconsumed.push(consumed);
  }

  event(event: TerminalEvent): void {
    if (event.type === "reset") this.screen = "";
    this.events.push(event);
  }

  /** Consumes the oldest piece; false where there is none. */
  consume(): boolean {
    const consumed = this.#unconsumed.shift();
    consumed?.();
    return consumed !== undefined;
  }

  of<T extends TerminalEvent["type"]>(type: T): Extract<TerminalEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<TerminalEvent, { type: T }> => event.type === type);
  }
}
