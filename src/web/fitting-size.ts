// How large a grid fits into an element. Columns are counted by what a character takes: xterm.js rounds the width of the
// whole grid and its fit addon divides by the columns that there are, so that 120 columns would suggest 121, and 121, 120.

import type { Terminal } from "@xterm/xterm";
import { MAX_COLS, MAX_ROWS } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";

/** xterm.js 6.0.0 lays its scroll bar over the right end of the lines. */
const SCROLL_BAR_PX = 14;

const canvas = document.createElement("canvas").getContext("2d");

/** Undefined where the element is not shown, or the terminal has not been drawn. */
export function fittingSize(terminal: Terminal, host: HTMLElement): TerminalSize | undefined {
  const rowHeight = (terminal.element?.querySelector(".xterm-screen")?.clientHeight ?? 0) / terminal.rows;
  const { fontSize, fontFamily } = terminal.options;
  if (canvas === null || rowHeight === 0 || host.clientWidth === 0) return undefined;
  // As xterm.js measures it.
  canvas.font = `${fontSize}px ${fontFamily}`;
  const columnWidth = canvas.measureText("W").width;
  return {
    cols: within(1, (host.clientWidth - SCROLL_BAR_PX) / columnWidth, MAX_COLS),
    rows: within(1, host.clientHeight / rowHeight, MAX_ROWS),
  };
}

function within(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, Math.floor(value)));
}
