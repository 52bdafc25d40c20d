// A table that goes on line by line: its columns become wider, and nothing that is printed already is printed again.

import { displayWidth, fit } from "../text/columns.ts";
import { harmless } from "../text/harmless.ts";

export interface Column<Row> {
  header: string;
  value(row: Row): string;
  /** Only with -o wide. */
  isWide?: boolean;
}

export class GrowingTable<Row> {
  readonly #columns: readonly Column<Row>[];
  readonly #widths: number[];
  #hasHead = false;

  constructor(columns: readonly Column<Row>[]) {
    this.#columns = columns;
    this.#widths = columns.map(() => 0);
  }

  /** The text of these rows, headed the first time. */
  render(rows: readonly Row[]): string {
    const lines = rows.map((row) => this.#columns.map((column) => harmless(column.value(row)) || "-"));
    if (!this.#hasHead) lines.unshift(this.#columns.map(({ header }) => header));
    this.#hasHead = true;
    for (const line of lines) {
      for (const [i, cell] of line.entries()) this.#widths[i] = Math.max(this.#widths[i] ?? 0, displayWidth(cell));
    }
    return lines.map((line) => `${this.#line(line)}\n`).join("");
  }

  #line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => fit(cell, this.#widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  }
}
