import { expect, it } from "vitest";
import { OutputRing } from "../protocol/output-ring.ts";
import { MAX_SEQUENCE_BYTES, unfinishedSequence } from "./unfinished.ts";

function ringOf(text: string): OutputRing {
  const ring = new OutputRing(1024 * 1024);
  ring.append(Buffer.from(text));
  return ring;
}

it("gives a sequence from its introducer on, without the control characters that have been carried out", () => {
  const ring = ringOf("text\x1b[31m more\x1b[3\n8;5");
  expect(unfinishedSequence(ring, ring.end).toString()).toBe("\x1b[38;5");
  expect(unfinishedSequence(ring, 6).toString()).toBe("\x1b[");
});

it("keeps of a long one its introducer alone", () => {
  const longest = `\x1b]${"x".repeat(MAX_SEQUENCE_BYTES - 2)}`;
  const ring = ringOf(`a${longest}y`);
  expect(unfinishedSequence(ring, ring.end - 1).toString()).toBe(longest);
  expect(unfinishedSequence(ring, ring.end).toString()).toBe("\x1b]");
});

it("gives nothing of one that has begun before the ring", () => {
  const ring = ringOf("no introducer");
  expect(unfinishedSequence(ring, ring.end)).toHaveLength(0);
});
