// How many columns a text takes on a terminal, and texts cut or filled to a number of columns.

import stringWidth from "string-width";

/** Made with the first text that needs it: it takes 10 ms, which every command would pay. */
let graphemes: Intl.Segmenter | undefined;
const PLAIN = /^[\x20-\x7e]*$/;

/** Columns that a terminal gives the text. */
export function displayWidth(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** At most `width` columns; what was cut off is told by `mark` in the last ones, where there is room for it. */
export function cut(text: string, width: number, mark = "…"): string {
  if (width <= 0) return "";
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(mark);
  if (room < 0) return takeColumns(text, width);
  return takeColumns(text, room) + mark;
}

/** As `cut`, for names that differ at their ends: what is kept is the end, and `mark` stands in the first columns. */
export function cutStart(text: string, width: number, mark = "…"): string {
  if (displayWidth(text) <= width) return text;
  const room = width - displayWidth(mark);
  if (room < 0) return takeColumns(text, Math.max(0, width));
  graphemes ??= new Intl.Segmenter();
  const segments = Array.from(graphemes.segment(text), ({ segment }) => segment);
  let kept = "";
  for (let segment = segments.pop(); segment !== undefined; segment = segments.pop()) {
    if (displayWidth(segment + kept) > room) break;
    kept = segment + kept;
  }
  return mark + kept;
}

/** Exactly `width` columns: cut, or filled with blanks behind (or before, for figures). */
export function fit(text: string, width: number, align: "left" | "right" = "left", mark = "…"): string {
  const kept = cut(text, width, mark);
  const blanks = " ".repeat(Math.max(0, width - displayWidth(kept)));
  return align === "left" ? kept + blanks : blanks + kept;
}

function takeColumns(text: string, width: number): string {
  if (PLAIN.test(text)) return text.slice(0, width);
  let taken = "";
  let columns = 0;
  graphemes ??= new Intl.Segmenter();
  for (const { segment } of graphemes.segment(text)) {
    columns += stringWidth(segment);
    if (columns > width) break;
    taken += segment;
  }
  return taken;
}
