// 64-bit integers of the database as numbers.

/** Throws where the number would not be exact: a wrong epoch or count is worse than none. */
export function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`integer beyond 2^53 - 1: ${text}`);
  return value;
}
