import fc from "fast-check";
import { expect, it } from "vitest";
import { OutputRing } from "../protocol/output-ring.ts";
import { MAX_SEQUENCE_BYTES, unfinishedCharacter, unfinishedSequence } from "./unfinished.ts";

function ringOf(text: string): OutputRing {
  const ring = new OutputRing(1024 * 1024);
  ring.append(Buffer.from(text));
  return ring;
}

it("finds the bytes of a character that is not complete", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.nat(), (text, at) => {
      const bytes = Buffer.from(text);
      const cut = bytes.subarray(0, at % (bytes.length + 1));
      const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(cut, { stream: true });
      expect(unfinishedCharacter(cut)).toBe(cut.length - Buffer.byteLength(whole));
    }),
  );
});

it.each([
  ["a continuation without a beginning", [0x80]],
  ["a beginning that UTF-8 does not have", [0xff]],
  ["an overlong one", [0xc1]],
  ["four continuations", [0xf0, 0x80, 0x80, 0x80, 0x80]],
  ["nothing", []],
])("takes %s as it is", (_name, bytes) => {
  expect(unfinishedCharacter(Uint8Array.from(bytes))).toBe(0);
});

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
