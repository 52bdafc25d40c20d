import fc from "fast-check";
import { expect, it } from "vitest";
import { type CastEvent, CastError, castEventLine, castHeaderLine, CastReader } from "./asciicast.ts";

const atMs = fc.nat({ max: 1e9 });
const event: fc.Arbitrary<CastEvent> = fc.oneof(
  fc.record({ kind: fc.constant("output" as const), atMs, text: fc.string({ unit: "binary" }) }),
  fc.record({ kind: fc.constant("marker" as const), atMs, text: fc.string() }),
  fc.record({
    kind: fc.constant("resize" as const),
    atMs,
    size: fc.record({ cols: fc.integer({ min: 1, max: 1000 }), rows: fc.integer({ min: 1, max: 1000 }) }),
  }),
);
const HEADER = { cols: 80, rows: 24, startedAtMs: 1_700_000_000_000, title: "prod main" };

it("reads back what was written, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(event), fc.integer({ min: 1, max: 50 }), (events, size) => {
      const file = castHeaderLine(HEADER) + events.map(castEventLine).join("");
      const reader = new CastReader();
      const read: CastEvent[] = [];
      for (let at = 0; at < file.length; at += size) read.push(...reader.push(file.slice(at, at + size)));
      read.push(...reader.end());
      expect(reader.header).toEqual(HEADER);
      // Times are seconds in the file.
      expect(read.map((each) => ({ ...each, atMs: Math.round(each.atMs) }))).toEqual(events);
    }),
  );
});

it("writes what other players read", () => {
  expect(JSON.parse(castHeaderLine(HEADER))).toMatchObject({
    version: 2,
    width: 80,
    height: 24,
    timestamp: 1_700_000_000,
  });
  expect(castEventLine({ kind: "output", atMs: 1500, text: "\u001b[1mä\r\n" })).toBe('[1.5,"o","\\u001b[1mä\\r\\n"]\n');
  expect(castEventLine({ kind: "resize", atMs: 0, size: { cols: 100, rows: 30 } })).toBe('[0,"r","100x30"]\n');
});

it("leaves out what it does not know", () => {
  const reader = new CastReader();
  const events = reader.push(`${castHeaderLine(HEADER)}[1,"i","typed"]\n\n[2,"x","future"]\n[3,"o","shown"]\n`);
  expect(events).toEqual([{ kind: "output", atMs: 3000, text: "shown" }]);
});

it.each([
  ["", "no header"],
  ["no json\n", "line 1: no JSON"],
  ['{"version":1,"width":80,"height":24}\n', "line 1: no header"],
  ['{"version":3}\n', "line 1: no header"],
  ['{"version":2,"width":0,"height":24}\n', "line 1: width"],
  [`${castHeaderLine(HEADER)}[1,"o"]\n`, "line 2: no event"],
  [`${castHeaderLine(HEADER)}{}\n`, "line 2: no event"],
  [`${castHeaderLine(HEADER)}[1,"r","80"]\n`, "line 2: no size"],
  [`${castHeaderLine(HEADER)}[1,"r","80x1001"]\n`, "line 2: no size"],
])("refuses %j", (file, message) => {
  const reader = new CastReader();
  expect(() => [...reader.push(file), ...reader.end()]).toThrow(CastError);
  expect(() => {
    const again = new CastReader();
    again.push(file);
    again.end();
  }).toThrow(message);
});

it("refuses a line without an end", () => {
  const reader = new CastReader();
  reader.push(castHeaderLine(HEADER));
  expect(() => {
    for (let n = 0; n < 10; n++) reader.push("x".repeat(1024 * 1024));
  }).toThrow("line 2: too long");
});
