// Points in time as Postgres writes them, read several times as fast as pg reads them: a page of a list holds hundreds.

/** Date, a space, time, perhaps a fraction of up to six digits, and the zone's hours: every time that we store. */
const COMMON_SHAPE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d$/;

const FRACTION_AT = 19;

/** `other`: reads what has another shape: years of five digits or before Christ, infinity, zones with minutes. */
export function createTimestampParser(other: (text: string) => unknown): (text: string) => unknown {
  return (text) => {
    if (!COMMON_SHAPE.test(text) || text < "0100") return other(text);
    const zoneAt = text.length - 3;
    const ms = Date.UTC(
      digits(text, 0, 4),
      digits(text, 5, 7) - 1,
      digits(text, 8, 10),
      digits(text, 11, 13),
      digits(text, 14, 16),
      digits(text, 17, 19),
    );
    const zoneHours = digits(text, zoneAt + 1, text.length) * (text[zoneAt] === "-" ? -1 : 1);
    return new Date(ms + fractionMs(text, zoneAt) - zoneHours * 3_600_000);
  };
}

/** Below a millisecond nothing is kept, as by pg. */
function fractionMs(text: string, end: number): number {
  if (end === FRACTION_AT) return 0;
  const known = Math.min(end, FRACTION_AT + 4);
  return digits(text, FRACTION_AT + 1, known) * 10 ** (FRACTION_AT + 4 - known);
}

/** A number for each digit: no text is made on the way. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}
