import fc from "fast-check";
import { expect, it } from "vitest";
import { unfinishedCharacter } from "./unfinished-character.ts";

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
