import fc from "fast-check";
import { expect, test } from "vitest";
import { OutputRing } from "./output-ring.ts";

const BLOCK = 64 * 1024;

function read(ring: OutputRing, from: number, to: number): Buffer {
  const target = Buffer.alloc(to - from);
  ring.copy(target, 0, from, to);
  return target;
}

test("holds the newest bytes at their offsets, at least its capacity less a block", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 30 }), (sizes) => {
      const ring = new OutputRing(4 * BLOCK);
      let all = Buffer.alloc(0);
      for (const [i, size] of sizes.entries()) {
        const piece = Buffer.alloc(size, i + 1);
        all = Buffer.concat([all, piece]);
        ring.append(piece);
      }
      expect(ring.end).toBe(all.length);
      expect(ring.end - ring.start).toBeGreaterThanOrEqual(Math.min(all.length, 3 * BLOCK));
      expect(ring.end - ring.start).toBeLessThanOrEqual(4 * BLOCK);
      expect(read(ring, ring.start, ring.end).equals(all.subarray(ring.start))).toBe(true);
    }),
  );
});

test("refuses to read what it does not hold", () => {
  const ring = new OutputRing(2 * BLOCK);
  ring.append(Buffer.alloc(5 * BLOCK));
  expect(() => ring.slices(ring.start - 1, ring.end)).toThrow(RangeError);
  expect(() => ring.slices(ring.start, ring.end + 1)).toThrow(RangeError);
});
