// Pieces as bytes, cut in every way.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError } from "./data-frame.ts";
import { encodePiece, MAX_PIECE_BYTES, PieceReader, PROGRAM_INPUT, PROGRAM_OUTPUT } from "./program-stream.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function reading(): { reader: PieceReader; pieces: [number, string][] } {
  const pieces: [number, string][] = [];
  return { reader: new PieceReader((kind, bytes) => pieces.push([kind, hex(bytes)])), pieces };
}

describe("a piece", () => {
  it("is its kind, its length and its bytes", () => {
    expect(hex(encodePiece(PROGRAM_OUTPUT.STDERR, Buffer.from("no")))).toBe("02000000026e6f");
    expect(hex(encodePiece(PROGRAM_INPUT.END))).toBe("0200000000");
  });

  it("is no longer than 64 KiB", () => {
    expect(() => encodePiece(1, new Uint8Array(MAX_PIECE_BYTES + 1))).toThrow(RangeError);
    const { reader } = reading();
    expect(() => reader.push(Buffer.from("0100010001", "hex"))).toThrow(FrameError);
  });

  it("comes out whole, wherever the stream is cut", () => {
    const piece = fc.record({ kind: fc.integer({ min: 0, max: 255 }), bytes: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 1, max: 400 }), (sent, cutBytes) => {
        const stream = Buffer.concat(sent.map(({ kind, bytes }) => encodePiece(kind, bytes)));
        const { reader, pieces } = reading();
        for (let at = 0; at < stream.length; at += cutBytes) reader.push(stream.subarray(at, at + cutBytes));
        expect(pieces).toEqual(sent.map(({ kind, bytes }) => [kind, hex(bytes)]));
      }),
    );
  });

  it("may be as long as is allowed", () => {
    const { reader, pieces } = reading();
    reader.push(encodePiece(1, new Uint8Array(MAX_PIECE_BYTES)));
    reader.push(encodePiece(2));
    expect(pieces.map(([kind, text]) => [kind, text.length / 2])).toEqual([
      [1, MAX_PIECE_BYTES],
      [2, 0],
    ]);
  });
});
