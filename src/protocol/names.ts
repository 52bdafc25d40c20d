// Which texts are accepted as names, descriptions and tags: they end up in terminals, tables and logs.

export const MAX_NAME_LENGTH = 100;
export const MAX_DESCRIPTION_LENGTH = 1000;
export const MAX_TAGS = 32;
export const MAX_TAG_LENGTH = 64;

/** C0, DEL, C1, line and paragraph separators, bidi controls and marks, byte-order mark, lone surrogates. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;

/** Why `text` is no acceptable name of up to `maxLength` UTF-16 units; undefined where it is one. */
export function nameProblem(text: string, maxLength = MAX_NAME_LENGTH): string | undefined {
  if (text.trim() === "") return "must not be empty";
  return textProblem(text, maxLength);
}

/** As nameProblem, for texts that may be empty. */
export function textProblem(text: string, maxLength: number): string | undefined {
  if (text.length > maxLength) return `must have at most ${maxLength} characters`;
  if (UNSAFE.test(text)) return "must not contain control or bidirectional characters";
  return undefined;
}

const UNSAFE_ALL = new RegExp(UNSAFE.source, "gu");

/** A stranger's text made harmless: what nameProblem refuses is taken out, and the rest cut to `maxLength`. */
export function harmlessText(text: string, maxLength = 200): string {
  return text.replace(UNSAFE_ALL, "").slice(0, maxLength).toWellFormed();
}
