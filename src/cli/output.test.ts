// What lists look like, and that nothing in them can harm a terminal.
import { describe, expect, it } from "vitest";
import { type Listing, OUTPUT_FORMATS, renderListing, renderRecord } from "./output.ts";

interface Row {
  name: string;
  size: number;
}

const listing: Listing<Row> = {
  rows: [
    { name: "web-1", size: 3 },
    { name: "日本\u001b[2J", size: 12 },
  ],
  columns: [
    { header: "NAME", value: (row) => row.name },
    { header: "EMPTY", value: () => "" },
    { header: "SIZE", value: (row) => String(row.size), isWide: true },
  ],
  json: (row) => ({ name: row.name, size: row.size }),
  name: (row) => row.name,
};

describe("renderListing", () => {
  it("aligns a table by display columns and neutralises control characters", () => {
    expect(renderListing(listing, "table")).toBe(
      ["NAME           EMPTY", "web-1          -", "日本\\u001b[2J  -", ""].join("\n"),
    );
  });

  it("shows every column with wide", () => {
    expect(renderListing(listing, "wide").split("\n")[1]).toBe("web-1          -      3");
  });

  it("gives programs JSON that they can parse, whole or by line", () => {
    expect(JSON.parse(renderListing(listing, "json"))).toEqual(listing.rows);
    const lines = renderListing(listing, "jsonl").trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual(listing.rows);
  });

  it("gives one name a line", () => {
    expect(renderListing(listing, "name")).toBe("web-1\n日本\\u001b[2J\n");
  });

  it.each(OUTPUT_FORMATS)("writes no half line for no rows: %s", (format) => {
    const text = renderListing({ ...listing, rows: [] }, format);
    expect(text === "" || text.endsWith("\n")).toBe(true);
  });
});

describe("renderRecord", () => {
  const [first, second] = listing.rows as [Row, Row];

  it("puts every column on a line of its own", () => {
    expect(renderRecord({ ...listing, row: second }, "table")).toBe("NAME   日本\\u001b[2J\nEMPTY  -\nSIZE   12\n");
  });

  it("is one object for programs, and one name", () => {
    for (const format of ["json", "jsonl"] as const) {
      expect(JSON.parse(renderRecord({ ...listing, row: first }, format))).toEqual(first);
    }
    expect(renderRecord({ ...listing, row: first }, "name")).toBe("web-1\n");
  });
});
