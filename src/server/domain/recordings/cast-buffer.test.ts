import fc from "fast-check";
import { expect, it } from "vitest";
import { type CastEvent, castHeaderLine, CastReader } from "../../../protocol/asciicast.ts";
import { CastBuffer, type TakenLines } from "./cast-buffer.ts";

function eventsOf({ text }: TakenLines): CastEvent[] {
  const reader = new CastReader();
  reader.push(castHeaderLine({ cols: 80, rows: 24, startedAtMs: 0, title: "" }));
  return reader.push(text);
}

function outputOf(taken: TakenLines): string {
  return eventsOf(taken)
    .map((event) => (event.kind === "output" ? event.text : ""))
    .join("");
}

it("holds a character whose rest has not come, also over what is taken in between", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.nat({ max: 5 })), (text, sizes) => {
      const buffer = new CastBuffer(() => 0, 0);
      const bytes = Buffer.from(text);
      let shown = "";
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        buffer.output(bytes.subarray(at, at + size));
        at = Math.min(at + size, bytes.length);
        shown += outputOf(buffer.take());
        expect(Buffer.byteLength(shown)).toBe(at - buffer.heldBytes);
      }
      expect(shown).toBe(text);
    }),
  );
});

it("keeps no hold on the bytes that it was given", () => {
  const buffer = new CastBuffer(() => 0, 0);
  const frame = Buffer.from([0xe2, 0x82]);
  buffer.output(frame);
  frame.fill(0x41);
  buffer.output(Buffer.from([0xac]));
  expect(outputOf(buffer.take())).toBe("€");
});

it("says what was lost before the screen as it is", () => {
  const buffer = new CastBuffer(() => 5, 0);
  buffer.output(Buffer.from([0xe2]));
  buffer.snapshot(Buffer.from("screen"), 1234);
  const taken = buffer.take();
  expect(taken).toMatchObject({ gaps: 1, lostBytes: 1234 });
  expect(eventsOf(taken)).toEqual([
    { kind: "marker", atMs: 5, text: "gap: 1234 bytes of output were not recorded" },
    { kind: "output", atMs: 5, text: "\u001bcscreen" },
  ]);
  expect(buffer.take()).toMatchObject({ text: "", gaps: 0, lostBytes: 0 });
});

it("never goes back in time, whichever clock goes on with it", () => {
  let now = 100;
  const buffer = new CastBuffer(() => now, 5_000);
  buffer.marker("a");
  now = 6_000;
  buffer.marker("b");
  now = 5_500;
  buffer.marker("c");
  const taken = buffer.take();
  expect(eventsOf(taken).map(({ atMs }) => atMs)).toEqual([5_000, 6_000, 6_000]);
  expect(taken.durationMs).toBe(6_000);
});
