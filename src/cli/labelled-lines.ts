// Lines of one among several who print at once: never mixed within a line, and each says whose it is.

import { harmless } from "../text/harmless.ts";

/** A longer one is told in pieces. */
const MAX_LINE_LENGTH = 16 * 1024;

export class LabelledLines {
  readonly #label: string;
  readonly #decoder = new TextDecoder();
  #open = "";

  constructor(label: string) {
    this.#label = label;
  }

  /** The lines that are complete with these bytes; empty where none is. */
  take(bytes: Uint8Array): string {
    return this.#lines(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What has no line feed at its end is a line, too. */
  end(): string {
    const rest = this.#lines(this.#decoder.decode());
    const last = this.#open === "" ? "" : this.#labelled(this.#open);
    this.#open = "";
    return rest + last;
  }

  #lines(text: string): string {
    const lines = (this.#open + text).split("\n");
    this.#open = lines.pop() ?? "";
    while (this.#open.length > MAX_LINE_LENGTH) {
      lines.push(this.#open.slice(0, MAX_LINE_LENGTH));
      this.#open = this.#open.slice(MAX_LINE_LENGTH);
    }
    return lines.map((line) => this.#labelled(line)).join("");
  }

  #labelled(line: string): string {
    return `${this.#label}${harmless(line.replace(/\r$/, ""))}\n`;
  }
}
