// What goes to standard output: tables for people, JSON and names for programs.

/** table · wide: with every column · json: one array · jsonl: one object a line · name: one name a line. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "jsonl", "name"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Column<Row> {
  header: string;
  value(row: Row): string;
  /** Only with -o wide. */
  isWide?: boolean;
}

export interface Listing<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** The row as programs read it. */
  json(row: Row): Record<string, unknown>;
  name(row: Row): string;
}

/** The whole text, ending in a newline; empty for no rows in the line-wise formats. */
export function renderListing<Row>(listing: Listing<Row>, format: OutputFormat): string {
  const { rows } = listing;
  switch (format) {
    case "json":
      return `${JSON.stringify(
        rows.map((row) => listing.json(row)),
        undefined,
        2,
      )}\n`;
    case "jsonl":
      return rows.map((row) => `${JSON.stringify(listing.json(row))}\n`).join("");
    case "name":
      return rows.map((row) => `${harmless(listing.name(row))}\n`).join("");
    case "table":
    case "wide":
      return renderTable(
        rows,
        listing.columns.filter((column) => format === "wide" || !column.isWide),
      );
  }
}

function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => harmless(column.value(row)) || "-"));
  const lines = [columns.map((column) => column.header), ...cells];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => displayWidth(line[i] ?? ""))));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - displayWidth(cell)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Names and descriptions come from strangers: nothing in them may steer a terminal, or look like another line. */
export function harmless(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const graphemes = new Intl.Segmenter();
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

/** Columns that a terminal gives the text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (/^\p{Mark}+$/u.test(segment)) continue;
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** "12s", "5m", "3h", "2d" since `then`; "-" where it never was. */
export function ago(then: Date | undefined, now: Date): string {
  if (!then) return "-";
  const seconds = Math.max(0, Math.round((now.getTime() - then.getTime()) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
