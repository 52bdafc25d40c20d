// What is typed: kept, sent within the window, sent again after a resume, never dropped.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DATA_BYTES } from "./limits.ts";
import { INPUT_HIGH_WATER_BYTES, InputStream } from "./input-stream.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function sendAll(stream: InputStream): { offset: number; text: string }[] {
  const frames: { offset: number; text: string }[] = [];
  for (let frame = stream.next(); frame; frame = stream.next()) {
    frames.push({ offset: frame.offset, text: new TextDecoder().decode(frame.bytes) });
  }
  return frames;
}

describe("InputStream", () => {
  it("sends within the window and goes on as acknowledgements come", () => {
    const stream = new InputStream();
    stream.resume(0, 4);
    stream.write(bytes("abcdefgh"));
    expect(sendAll(stream)).toEqual([{ offset: 0, text: "abcd" }]);
    expect(stream.ack(3)).toBe(true);
    expect(sendAll(stream)).toEqual([{ offset: 4, text: "efg" }]);
  });

  it("cuts a paste into frames of at most MAX_DATA_BYTES", () => {
    const stream = new InputStream();
    stream.write(new Uint8Array(2 * MAX_DATA_BYTES + 1));
    expect(sendAll(stream).map((frame) => frame.text.length)).toEqual([MAX_DATA_BYTES, MAX_DATA_BYTES, 1]);
  });

  it("copies what is written, for callers reuse their buffers", () => {
    const stream = new InputStream();
    const buffer = bytes("abc");
    stream.write(buffer);
    buffer.fill(0);
    expect(sendAll(stream)[0]?.text).toBe("abc");
  });

  it("sends again from the offset that the agent names", () => {
    const stream = new InputStream();
    stream.write(bytes("abcd"));
    stream.write(bytes("ef"));
    sendAll(stream);
    stream.ack(1);
    expect(stream.resume(3, 100)).toBe(true);
    expect(sendAll(stream)).toEqual([
      { offset: 3, text: "d" },
      { offset: 4, text: "ef" },
    ]);
  });

  it("takes an acknowledgement of what the last connection sent", () => {
    const stream = new InputStream();
    stream.write(bytes("abcdef"));
    sendAll(stream);
    stream.resume(1, 100);
    expect(stream.ack(4)).toBe(true);
    expect(sendAll(stream)).toEqual([{ offset: 4, text: "ef" }]);
  });

  it("refuses an acknowledgement of what was never sent, and a resume before what was acknowledged", () => {
    const stream = new InputStream();
    stream.write(bytes("abc"));
    expect(stream.ack(1)).toBe(false);
    sendAll(stream);
    stream.ack(2);
    expect(stream.resume(1, 100)).toBe(false);
    expect(stream.resume(4, 100)).toBe(false);
  });

  it("asks to wait over the high-water mark, drops nothing, and says once when to go on", () => {
    const stream = new InputStream();
    expect(stream.write(new Uint8Array(INPUT_HIGH_WATER_BYTES))).toBe(true);
    expect(stream.write(bytes("x"))).toBe(false);
    expect(stream.takeDrain()).toBe(false);
    for (;;) {
      sendAll(stream);
      if (stream.inFlightBytes === 0) break;
      stream.ack(INPUT_HIGH_WATER_BYTES + 1 - stream.pendingBytes + stream.inFlightBytes);
    }
    expect(stream.takeDrain()).toBe(true);
    expect(stream.takeDrain()).toBe(false);
  });

  it("does not send again to a fresh attachment what may have been typed, nor what followed it", () => {
    const stream = new InputStream();
    stream.resume(0, 4);
    stream.write(bytes("abcdef"));
    sendAll(stream);
    stream.ack(1);
    expect(stream.restart(0, 100, true)).toEqual({ unknownBytes: 3, unsentBytes: 2 });
    expect(sendAll(stream)).toEqual([]);
    stream.write(bytes("g"));
    expect(sendAll(stream)).toEqual([{ offset: 0, text: "g" }]);
  });

  it("keeps what was never sent where nothing before it is unknown and the shell is the same", () => {
    const stream = new InputStream();
    stream.write(bytes("abc"));
    expect(stream.restart(40, 100, true)).toEqual({ unknownBytes: 0, unsentBytes: 0 });
    expect(sendAll(stream)).toEqual([{ offset: 40, text: "abc" }]);
    stream.ack(43);
    stream.write(bytes("de"));
    expect(stream.restart(0, 100, false)).toEqual({ unknownBytes: 0, unsentBytes: 2 });
  });

  it("types every byte once and in order, however writes, acknowledgements and resumes fall", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("write" as const), size: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ do: fc.constant("send" as const), size: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("ack" as const), size: fc.constant(0) }),
      fc.record({ do: fc.constant("resume" as const), size: fc.integer({ min: 1, max: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stream = new InputStream();
        const typed: number[] = [];
        let written = 0;
        const send = (most: number): void => {
          for (let i = 0; i < most; i++) {
            const frame = stream.next();
            if (!frame) return;
            if (frame.offset <= typed.length) typed.push(...frame.bytes.subarray(typed.length - frame.offset));
          }
        };
        for (const { do: what, size } of steps) {
          if (what === "write") stream.write(Uint8Array.from({ length: size }, () => written++ % 251));
          else if (what === "send") send(size);
          else if (what === "ack") expect(stream.ack(typed.length)).toBe(true);
          else expect(stream.resume(typed.length, size)).toBe(true);
        }
        while (typed.length < written) {
          send(1);
          stream.ack(typed.length);
        }
        expect(typed).toEqual(Array.from({ length: written }, (_, i) => i % 251));
      }),
    );
  });
});
