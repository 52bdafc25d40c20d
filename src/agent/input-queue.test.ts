import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MAX_INPUT_QUEUE_BYTES } from "../protocol/limits.ts";
import type { AttachmentKey } from "../protocol/ids.ts";
import type { Attachment } from "./attachment.ts";
import { InputQueue } from "./input-queue.ts";

let typed: string;
let roomBytes: number;
let queue: InputQueue;

beforeEach(() => {
  vi.useFakeTimers();
  typed = "";
  roomBytes = Number.POSITIVE_INFINITY;
  queue = new InputQueue({
    write(bytes) {
      const taken = Buffer.from(bytes).subarray(0, Math.min(roomBytes, bytes.length));
      roomBytes -= taken.length;
      typed += taken.toString("latin1");
      return taken.length;
    },
    onApplied: () => {},
  });
});

afterEach(() => {
  queue.close();
  vi.useRealTimers();
});

function attachment(handle = 1): Attachment {
  return {
    handle,
    key: "k" as AttachmentKey,
    userId: "u",
    stream: 1,
    access: "write",
    state: "live",
    applied: 0,
    queued: 0,
    receipted: 0,
  };
}

test("what was applied is not typed again, a part of it neither, and nothing is typed after a gap", () => {
  const one = attachment();
  expect(queue.push(one, 0, Buffer.from("abc"))).toBe("taken");
  expect(queue.push(one, 0, Buffer.from("abc"))).toBe("ignored");
  expect(queue.push(one, 1, Buffer.from("bcde"))).toBe("taken");
  expect(queue.push(one, 6, Buffer.from("gap"))).toBe("ignored");
  expect(queue.push(one, 5, Buffer.from("f"))).toBe("taken");
  expect(typed).toBe("abcdef");
  expect(one.applied).toBe(6);
});

test("input stays in the order it came while the terminal is full", () => {
  const [one, two] = [attachment(1), attachment(2)];
  roomBytes = 2;
  queue.push(one, 0, Buffer.from("1111"));
  queue.push(two, 0, Buffer.from("22"));
  queue.push(one, 4, Buffer.from("3"));
  expect([typed, one.applied, one.queued, two.applied]).toEqual(["11", 2, 3, 0]);
  roomBytes = 3;
  vi.advanceTimersByTime(100);
  expect([typed, two.applied]).toEqual(["11112", 1]);
  roomBytes = 100;
  vi.advanceTimersByTime(100);
  expect(typed).toBe("1111223");
  expect([one.applied, one.queued]).toEqual([5, 0]);
});

test("a viewer's queue has a bound, and what does not fit can be sent again", () => {
  const one = attachment();
  roomBytes = 0;
  expect(queue.push(one, 0, Buffer.alloc(MAX_INPUT_QUEUE_BYTES, 0x61))).toBe("taken");
  expect(queue.push(one, MAX_INPUT_QUEUE_BYTES, Buffer.from("x"))).toBe("ignored");
  expect(queue.push(attachment(2), 0, Buffer.from("y"))).toBe("taken");
  roomBytes = Number.POSITIVE_INFINITY;
  vi.advanceTimersByTime(100);
  expect(queue.push(one, MAX_INPUT_QUEUE_BYTES, Buffer.from("x"))).toBe("taken");
  expect(typed).toHaveLength(MAX_INPUT_QUEUE_BYTES + 2);
});

test("every byte is typed exactly once, however frames are cut, repeated and delayed", () => {
  const text = Array.from({ length: 300 }, (_, i) => String.fromCharCode(33 + (i % 90))).join("");
  const frames = fc.array(fc.record({ from: fc.nat(299), length: fc.integer({ min: 1, max: 40 }), room: fc.nat(30) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(frames, (frames) => {
      typed = "";
      const one = attachment();
      for (const { from, length, room } of frames) {
        roomBytes = room;
        queue.push(one, from, Buffer.from(text.slice(from, from + length)));
        vi.advanceTimersByTime(25);
        expect(text.startsWith(typed)).toBe(true);
        expect(typed).toHaveLength(one.applied);
      }
      roomBytes = Number.POSITIVE_INFINITY;
      vi.advanceTimersByTime(100);
      queue.push(one, one.applied, Buffer.from(text.slice(one.applied)));
      expect(typed).toBe(text);
    }),
  );
});
