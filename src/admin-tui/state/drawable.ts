// Text from strangers, made fit for a screen of columns.

import { harmless } from "../../text/harmless.ts";

/** Names have 100 characters; a row shows less of anything. */
const MAX_LENGTH = 1_000;

/**
 * Harmless, of a length that can be drawn, and of a width that terminals agree on: joiners, variation selectors and
 * skin tones make some draw two columns where others draw eight, and a letter may wear two marks, not a thousand.
 */
export function drawable(text: string): string {
  return harmless(text.slice(0, MAX_LENGTH))
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Format}\p{Emoji_Modifier}]/gu, "")
    .replace(/\p{Regional_Indicator}/gu, "?")
    .replace(/(\p{Mark}{2})\p{Mark}+/gu, "$1");
}

const ODD = /[\p{Default_Ignorable_Code_Point}\p{Format}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Mark}]/gu;

/** Of an id nothing is left out but what no id is long enough for: two that differ look different, and are two rows. */
export function drawableId(id: string): string {
  return harmless(id.slice(0, MAX_LENGTH)).replace(ODD, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
