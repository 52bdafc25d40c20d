// A table on the terminal that is drawn again when its rows change, at most twice a second.

import type { TerminalSize } from "../../protocol/terminal-size.ts";
import { drawOver, erase, fitLines } from "./frame.ts";
import type { PacedOutput } from "./paced-output.ts";

const MIN_INTERVAL_MS = 500;
/** Ages go on although nothing happens. */
const AGES_MS = 1000;

export class TableScreen {
  readonly #output: PacedOutput;
  /** The whole table as it is now. */
  readonly #render: () => string[];
  #drawn: string[] = [];
  #drawnAtMs = 0;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #ages: NodeJS.Timeout | undefined;
  readonly #onResize = (): void => this.changed();

  constructor(output: PacedOutput, render: () => string[]) {
    this.#output = output;
    this.#render = render;
    process.stdout.on("resize", this.#onResize);
  }

  /** Draws it soon. While the terminal takes the last picture, there is no next one. */
  changed(): void {
    this.#ages ??= setInterval(() => this.changed(), AGES_MS);
    if (this.#timer !== undefined) return;
    const waitMs = Math.max(0, this.#drawnAtMs + MIN_INTERVAL_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isWriting) void this.#draw();
    }, waitMs);
  }

  /** A line of standard error, above the table. */
  notice(text: string): void {
    if (this.#drawn.length > 0) void this.#output.print(erase(this.#drawn, size()));
    this.#drawn = [];
    this.#output.tell(text);
    if (this.#ages !== undefined) this.changed();
  }

  /** The table stays; what was typed below it goes. */
  close(): void {
    process.stdout.off("resize", this.#onResize);
    clearTimeout(this.#timer);
    clearInterval(this.#ages);
    void this.#output.print("\r\x1b[K");
  }

  async #draw(): Promise<void> {
    const before = this.#drawn;
    this.#drawn = fitLines(this.#render(), size());
    this.#drawnAtMs = Date.now();
    this.#isWriting = true;
    await this.#output.print(drawOver(before, this.#drawn, size()));
    this.#isWriting = false;
  }
}

function size(): TerminalSize {
  const { columns, rows } = process.stdout;
  return { cols: columns || 80, rows: rows || 24 };
}
