// How a terminal's size is shared out.

import type { TerminalSize } from "../../protocol/terminal-size.ts";

export const MIN_COLS = 60;
export const MIN_ROWS = 12;
/** From here on the details of the row under the cursor stand beside the list, and the events below. */
const WIDE_COLS = 140;
const TALL_ROWS = 40;
const EVENT_LINES = 10;

/** Header, tabs, filter. */
const HEAD_LINES = 3;
/** Message and keys. */
const FOOT_LINES = 2;

export interface Layout {
  isTooSmall: boolean;
  cols: number;
  /** One line less than the terminal has: a full last line would scroll. */
  lines: number;
  /** Of a list with its header line. */
  listCols: number;
  listLines: number;
  /** Of rows. */
  pageLines: number;
  /** 0: no such pane. */
  detailCols: number;
  eventLines: number;
}

/** `hasBanner`: one line is taken by it. `isSplit`: this screen has something to show beside its list. */
export function layoutOf({ cols, rows }: TerminalSize, input: { hasBanner: boolean; isSplit: boolean }): Layout {
  const lines = rows - 1;
  const isWide = input.isSplit && cols >= WIDE_COLS;
  const eventLines = input.isSplit && rows >= TALL_ROWS ? EVENT_LINES : 0;
  const listCols = isWide ? Math.floor(cols / 2) : cols;
  const listLines = lines - HEAD_LINES - FOOT_LINES - eventLines - (input.hasBanner ? 1 : 0);
  return {
    isTooSmall: cols < MIN_COLS || rows < MIN_ROWS,
    cols,
    lines,
    listCols,
    listLines,
    pageLines: Math.max(1, listLines - 1),
    detailCols: isWide ? cols - listCols - 1 : 0,
    eventLines,
  };
}
