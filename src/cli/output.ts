// What goes to standard output: tables for people, JSON and names for programs.

import { fit } from "../text/columns.ts";
import { harmless } from "../text/harmless.ts";
import { type Column, GrowingTable } from "./growing-table.ts";

/** table · wide: with every column · json: one array · jsonl: one object a line · name: one name a line. */
export const OUTPUT_FORMATS = ["table", "wide", "json", "jsonl", "name"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export type { Column };

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
      return new GrowingTable(listing.columns.filter((column) => format === "wide" || !column.isWide)).render(rows);
  }
}

/** One thing: all of its columns below each other, or one object. */
export function renderRecord<Row>(
  { row, columns, json, name }: Omit<Listing<Row>, "rows"> & { row: Row },
  format: OutputFormat,
): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(json(row), undefined, 2)}\n`;
    case "jsonl":
      return `${JSON.stringify(json(row))}\n`;
    case "name":
      return `${harmless(name(row))}\n`;
    case "table":
    case "wide": {
      const width = Math.max(...columns.map(({ header }) => header.length));
      return columns.map((column) => `${fit(column.header, width)}  ${harmless(column.value(row)) || "-"}\n`).join("");
    }
  }
}
