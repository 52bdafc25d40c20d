// What instances tell each other arrives as it was.
import { expect, it } from "vitest";
import { decodeWire, encodeWire } from "./wire-json.ts";

it("keeps texts, numbers, lists, and moments at any depth", () => {
  const told = { a: [new Date(0), { at: new Date(1_764_000_000_123) }], text: '{"$date"}', n: 1.8e15, no: null };
  expect(decodeWire(encodeWire(told))).toEqual(told);
});

it("keeps a moment that is none as none", () => {
  expect((decodeWire(encodeWire({ at: new Date(Number.NaN) })) as { at: Date }).at.getTime()).toBeNaN();
});
