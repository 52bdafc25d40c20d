import pg from "pg";
import { describe, expect, it } from "vitest";
import { createTimestampParser } from "./parse-timestamp.ts";

const TIMESTAMPTZ = 1184;
const ofPg = pg.types.getTypeParser(TIMESTAMPTZ, "text") as (text: string) => unknown;

describe("a point in time as Postgres writes it", () => {
  const refuse = (text: string) => {
    throw new Error(`not read here: ${text}`);
  };

  it.each([
    ["2026-11-26 03:21:39.123+00", "2026-11-26T03:21:39.123Z"],
    ["2026-11-26 03:21:39+00", "2026-11-26T03:21:39.000Z"],
    ["2026-02-28 23:59:59.9+00", "2026-02-28T23:59:59.900Z"],
    ["2026-02-28 23:59:59.05+00", "2026-02-28T23:59:59.050Z"],
    ["2026-02-28 23:59:59.123999+00", "2026-02-28T23:59:59.123Z"],
    ["1969-12-31 23:59:59.5-03", "1970-01-01T02:59:59.500Z"],
    ["2024-03-01 01:30:00+14", "2024-02-29T11:30:00.000Z"],
    ["0100-01-01 00:00:00+00", "0100-01-01T00:00:00.000Z"],
  ])("%s is %s, and pg says the same", (text, iso) => {
    expect(createTimestampParser(refuse)(text)).toEqual(new Date(iso));
    expect(ofPg(text)).toEqual(new Date(iso));
  });

  it.each([
    "infinity",
    "-infinity",
    "12026-01-01 00:00:00+00",
    "0044-03-15 12:00:00+00 BC",
    "0044-03-15 12:00:00+00",
    "2026-11-26 03:21:39+05:30",
    "1883-11-18 12:03:58-04:56:02",
    "2026-11-26",
    "",
  ])("%s is read as pg reads it", (text) => {
    expect(createTimestampParser(ofPg)(text)).toEqual(ofPg(text));
    expect(() => createTimestampParser(refuse)(text)).toThrow("not read here");
  });
});
