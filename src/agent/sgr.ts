// The escape sequences that set a pen: colours and attributes of a cell, from nothing.

/** What xterm.js's cells and its pen have in common. */
export interface Pen {
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isFgDefault(): boolean;
  isFgRGB(): boolean;
  getFgColor(): number;
  isBgDefault(): boolean;
  isBgRGB(): boolean;
  getBgColor(): number;
  /** Other than 0: text of a link (OSC 8), which looks underlined without being so. */
  extended?: { urlId: number };
  /** The foreground's colour and flags. */
  fg?: number;
}

/** Of `fg`. */
const UNDERLINE = 0x10000000;

export function setPen(pen: Pen): string {
  const codes: (number | string)[] = [0];
  if (pen.isBold()) codes.push(1);
  if (pen.isDim()) codes.push(2);
  if (pen.isItalic()) codes.push(3);
  if (isUnderlined(pen)) codes.push(4);
  if (pen.isBlink()) codes.push(5);
  if (pen.isInverse()) codes.push(7);
  if (pen.isInvisible()) codes.push(8);
  if (pen.isStrikethrough()) codes.push(9);
  if (pen.isOverline()) codes.push(53);
  if (!pen.isFgDefault()) codes.push(colour(30, pen.getFgColor(), pen.isFgRGB()));
  if (!pen.isBgDefault()) codes.push(colour(40, pen.getBgColor(), pen.isBgRGB()));
  return `\x1b[${codes.join(";")}m`;
}

function isUnderlined(pen: Pen): boolean {
  if (!pen.extended?.urlId) return pen.isUnderline() !== 0;
  return ((pen.fg ?? 0) & UNDERLINE) !== 0;
}

/** `base`: 30 for the foreground, 40 for the background. */
function colour(base: number, value: number, isRgb: boolean): string {
  if (isRgb) return `${base + 8};2;${value >>> 16};${(value >>> 8) & 0xff};${value & 0xff}`;
  if (value < 8) return `${base + value}`;
  return value < 16 ? `${base + 60 + value - 8}` : `${base + 8};5;${value}`;
}
