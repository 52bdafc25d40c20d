// A table that is drawn over itself: the text that turns what stands on the screen into what should.

import type { TerminalSize } from "../../protocol/terminal-size.ts";
import { cut, displayWidth } from "../../text/columns.ts";

/** Up to the first line of what was drawn; the cursor stands below its last one. */
function toTop(drawn: readonly string[], { cols, rows }: TerminalSize): string {
  // A window that has become narrower has broken lines into several.
  const height = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / cols)), 0);
  const up = Math.min(height, rows - 1);
  return up > 0 ? `\r\x1b[${up}A` : "\r";
}

/** Every line is written over the old one and cleared behind: nothing is ever blank in between. */
export function drawOver(drawn: readonly string[], lines: readonly string[], size: TerminalSize): string {
  return `${toTop(drawn, size)}${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`;
}

export function erase(drawn: readonly string[], size: TerminalSize): string {
  return `${toTop(drawn, size)}\x1b[J`;
}

/** As many lines as leave room for the cursor, none of them up to the last column: terminals differ in what follows that. */
export function fitLines(lines: readonly string[], { cols, rows }: TerminalSize): string[] {
  const room = Math.max(1, rows - 1);
  const kept = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`];
  return kept.map((line) => cut(line, cols - 1));
}
