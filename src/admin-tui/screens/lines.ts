// Lines of spans: cut, filled, put side by side.

import { cut, displayWidth } from "../../text/columns.ts";
import type { Line, Span, Style } from "../theme/styles.ts";

export interface Area {
  cols: number;
  lines: number;
}

export function line(text: string, style?: Style): Line {
  return [{ text, style }];
}

export function widthOf(spans: Line): number {
  return spans.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** Exactly so many columns. */
export function fitLine(spans: Line, cols: number): Line {
  let left = cols;
  const kept: Span[] = [];
  for (const span of spans) {
    if (left <= 0) break;
    const width = displayWidth(span.text);
    const text = width <= left ? span.text : cut(span.text, left);
    kept.push({ ...span, text });
    left -= Math.min(width, displayWidth(text));
  }
  return left > 0 ? [...kept, { text: " ".repeat(left) }] : kept;
}

/** Exactly so many lines, each of exactly so many columns. */
export function fitArea(lines: readonly Line[], { cols, lines: count }: Area): Line[] {
  return Array.from({ length: count }, (_, i) => fitLine(lines[i] ?? [], cols));
}

/** `right` stands at the end; what is between is the left one's, cut where they would meet. */
export function bothEnds(left: Line, right: Line, cols: number): Line {
  const room = cols - widthOf(right) - 1;
  return [...fitLine(left, Math.max(0, room)), { text: " " }, ...right];
}

export function sideBySide(left: readonly Line[], right: readonly Line[], between: string): Line[] {
  return left.map((spans, i) => [...spans, { text: between, style: "dim" }, ...(right[i] ?? [])]);
}

/** Words of a text on lines of a width. */
export function wrapped(text: string, cols: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (displayWidth(longer) <= cols) current = longer;
    else {
      if (current !== "") lines.push(current);
      current = cut(word, cols);
    }
  }
  return current === "" ? lines : [...lines, current];
}
