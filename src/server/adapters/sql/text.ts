// Texts on their way into the database.

/** Postgres takes neither NUL nor lone surrogates; both become U+FFFD rather than an error in the middle of a write. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** As JSON writes what Postgres does not take; also where a text only looks so, which costs time and changes nothing. */
const PERHAPS_UNSTORABLE = /\\u(?:0000|d[89a-f])/;

export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!PERHAPS_UNSTORABLE.test(json)) return json;
  return JSON.stringify(value, (_key, field: unknown) => (typeof field === "string" ? storableText(field) : field));
}

/** As names are compared when somebody looks for one: any case, any composition of accents. */
export function searchText(text: string): string {
  return storableText(text).normalize("NFKC").toLowerCase();
}

/** A LIKE pattern that matches wherever `text` stands, whatever characters it is made of. */
export function containsPattern(text: string): string {
  return `%${escaped(text)}%`;
}

/** A LIKE pattern that matches what begins with `text`. */
export function prefixPattern(text: string): string {
  return `${escaped(text)}%`;
}

function escaped(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}
