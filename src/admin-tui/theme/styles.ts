// What things look like, by what they are. Sixteen colours that a terminal's own palette makes fit for light and dark.

export type Style =
  | "plain"
  | "dim"
  | "strong"
  | "ok"
  | "warn"
  | "bad"
  | "accent"
  | "key"
  | "header"
  | "cursor"
  | "marked"
  | "banner";

/** Properties of Ink's Text. */
export interface Look {
  color?: string;
  dimColor?: boolean;
  bold?: boolean;
  inverse?: boolean;
  underline?: boolean;
}

const LOOKS: Readonly<Record<Style, Look>> = {
  plain: {},
  dim: { dimColor: true },
  strong: { bold: true },
  ok: { color: "green" },
  warn: { color: "yellow" },
  bad: { color: "red", bold: true },
  accent: { color: "cyan" },
  key: { color: "cyan", bold: true },
  header: { bold: true, underline: true },
  cursor: { inverse: true },
  marked: { color: "magenta", bold: true },
  banner: { color: "red", bold: true, inverse: true },
};

/** Without colours only weight, underlining and inversion are left: they carry no meaning of their own. */
export function lookOf(style: Style, hasColor: boolean): Look {
  const { color, ...rest } = LOOKS[style];
  return hasColor && color !== undefined ? { color, ...rest } : rest;
}

/** A piece of a line in one style. */
export interface Span {
  text: string;
  style?: Style | undefined;
}

export type Line = readonly Span[];
