// Lines of one among several who print at once: never mixed within a line, and each says whose it is.

import { harmless } from "../text/harmless.ts";

/** A longer one is told in pieces. */
const MAX_LINE_LENGTH = 16 * 1024;

export class LabelledLines {
  readonly #label: string;
  readonly #print: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #open = "";

  constructor(label: string, print: (text: string) => void) {
    this.#label = label;
    this.#print = print;
  }

  push(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What has no line feed at its end is a line, too. */
  end(): void {
    this.#take(this.#decoder.decode());
    if (this.#open !== "") this.#printLine(this.#open);
    this.#open = "";
  }

  #take(text: string): void {
    const lines = (this.#open + text).split("\n");
    this.#open = lines.pop() ?? "";
    for (const line of lines) this.#printLine(line);
    while (this.#open.length > MAX_LINE_LENGTH) {
      this.#printLine(this.#open.slice(0, MAX_LINE_LENGTH));
      this.#open = this.#open.slice(MAX_LINE_LENGTH);
    }
  }

  #printLine(line: string): void {
    this.#print(`${this.#label}${harmless(line.replace(/\r$/, ""))}\n`);
  }
}
