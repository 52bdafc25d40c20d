// The size of a terminal, and what sizes are refused.

import { MAX_COLS, MAX_ROWS } from "./limits.ts";

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** Whole numbers within 1…1000 each: beyond, PTYs wrap around silently (65537 columns become 1). */
export function isTerminalSize(cols: unknown, rows: unknown): boolean {
  return isWithin(cols, MAX_COLS) && isWithin(rows, MAX_ROWS);
}

function isWithin(value: unknown, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;
}
