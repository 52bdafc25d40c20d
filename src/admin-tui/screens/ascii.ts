// A screen for terminals that have nothing but ASCII.

import { displayWidth } from "../../text/columns.ts";
import type { Line } from "../theme/styles.ts";

const graphemes = new Intl.Segmenter();
const ASCII = /^[\x20-\x7e]*$/;
const SIGNS: ReadonlyMap<string, string> = new Map([
  ["…", "~"],
  ["·", "-"],
]);

/** Of the same width: what has no sign of its own becomes question marks. */
export function inAscii(spans: Line): Line {
  return spans.map((span) => (ASCII.test(span.text) ? span : { ...span, text: asciiText(span.text) }));
}

function asciiText(text: string): string {
  return [...graphemes.segment(text)]
    .map(({ segment }) => (ASCII.test(segment) ? segment : (SIGNS.get(segment) ?? "?".repeat(displayWidth(segment)))))
    .join("");
}
