// A text that is being edited, with its caret.

import { displayWidth } from "../../text/columns.ts";
import type { TextField } from "../state/overlay.ts";
import type { Span } from "../theme/styles.ts";

const graphemes = new Intl.Segmenter();

/** Of a text that has no room, as much as leaves the caret in sight. */
export function caretSpans({ value, caret }: Pick<TextField, "value" | "caret">, cols: number): Span[] {
  const [next] = graphemes.segment(value.slice(caret));
  const at = next?.segment ?? " ";
  return [
    { text: lastColumns(value.slice(0, caret), cols - displayWidth(at)) },
    { text: at, style: "cursor" },
    { text: value.slice(caret + (next?.segment.length ?? 0)) },
  ];
}

function lastColumns(text: string, cols: number): string {
  let from = text.length;
  let width = 0;
  for (const { segment, index } of [...graphemes.segment(text)].toReversed()) {
    width += displayWidth(segment);
    if (width > cols) break;
    from = index;
  }
  return text.slice(from);
}
