// Texts on their way into the database.

/** Postgres takes neither NUL nor lone surrogates; both become U+FFFD rather than an error in the middle of a write. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

export function storableJson(value: unknown): string {
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
