// Which output reaches the consumer, and when it is acknowledged.
import { describe, expect, it } from "vitest";
import { MAX_PENDING_OUTPUT_BYTES, OutputStream } from "./output-stream.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function opened(sentBefore = 0): OutputStream {
  const stream = new OutputStream();
  stream.begin({ sameStream: true, sentBefore, ackEveryBytes: 4 });
  return stream;
}

function text(received: ReturnType<OutputStream["receive"]>): string {
  return received.kind === "deliver" ? new TextDecoder().decode(received.bytes) : received.kind;
}

describe("OutputStream", () => {
  it("delivers what continues at the expected offset, and only the new part of what overlaps", () => {
    const stream = opened();
    expect(text(stream.receive(0, bytes("abc")))).toBe("abc");
    expect(text(stream.receive(1, bytes("bcde")))).toBe("de");
    expect(text(stream.receive(0, bytes("abcde")))).toBe("duplicate");
  });

  it("refuses a frame beyond the expected offset and stays where it was", () => {
    const stream = opened();
    stream.receive(0, bytes("abc"));
    expect(stream.receive(4, bytes("e"))).toEqual({ kind: "beyond", expected: 3 });
    expect(text(stream.receive(3, bytes("d")))).toBe("d");
  });

  it("acknowledges what has been consumed, not what has been received, every ack_every_bytes", () => {
    const stream = opened();
    const first = stream.receive(0, bytes("abc"));
    const second = stream.receive(3, bytes("de"));
    expect(stream.takeAck()).toBeUndefined();
    if (first.kind === "deliver") stream.consume(first.delivery);
    expect(stream.takeAck()).toBeUndefined();
    if (second.kind === "deliver") stream.consume(second.delivery);
    expect(stream.takeAck()).toBe(5);
    expect(stream.takeAck()).toBeUndefined();
  });

  it("counts nothing as consumed while an earlier piece is not", () => {
    const stream = opened();
    const first = stream.receive(0, bytes("abcd"));
    const second = stream.receive(4, bytes("efgh"));
    if (second.kind === "deliver") stream.consume(second.delivery);
    expect(stream.resumeOffset).toBe(0);
    if (first.kind === "deliver") stream.consume(first.delivery);
    expect(stream.resumeOffset).toBe(8);
  });

  it("never acknowledges more than this connection's server has sent", () => {
    const stream = opened();
    const first = stream.receive(0, bytes("abcdefgh"));
    stream.begin({ sameStream: true, sentBefore: 0, ackEveryBytes: 4 });
    if (first.kind === "deliver") stream.consume(first.delivery);
    expect(stream.takeAck()).toBeUndefined();
    stream.receive(0, bytes("abcde"));
    expect(stream.takeAck()).toBe(5);
  });

  it("takes the first snapshot as the beginning, without a gap", () => {
    const stream = opened();
    expect(stream.snapshot(100, 10)?.gap).toBeUndefined();
    expect(stream.resumeOffset).toBe(100);
    expect(text(stream.receive(100, bytes("x")))).toBe("x");
  });

  it("tells the exact gap before a later snapshot, announced or not, and acknowledges it once drawn", () => {
    const stream = opened();
    stream.receive(0, bytes("abc"));
    stream.announceGap({ from: 1, to: 50 });
    expect(stream.snapshot(50, 10)?.gap).toEqual({ from: 3, to: 50 });
    const later = stream.snapshot(90, 10);
    expect(later?.gap).toEqual({ from: 50, to: 90 });
  });

  it("acknowledges a snapshot as soon as it is drawn", () => {
    const stream = opened();
    const taken = stream.snapshot(2, 10);
    expect(stream.takeAck()).toBeUndefined();
    if (taken) stream.consume(taken.delivery);
    expect(stream.takeAck()).toBe(2);
  });

  it("holds a bounded amount for a consumer that has stopped", () => {
    const stream = opened();
    const piece = new Uint8Array(MAX_PENDING_OUTPUT_BYTES / 2);
    stream.receive(0, piece);
    stream.receive(piece.length, piece);
    expect(stream.receive(2 * piece.length, bytes("x"))).toEqual({ kind: "overrun" });
    expect(stream.expectedOffset).toBe(2 * piece.length);
  });

  it("forgets the offsets of another shell's output that is still being consumed", () => {
    const stream = opened();
    const old = stream.receive(0, bytes("abcdefgh"));
    stream.begin({ sameStream: false, sentBefore: 0, ackEveryBytes: 4 });
    stream.snapshot(2, 1);
    if (old.kind === "deliver") stream.consume(old.delivery);
    expect(stream.resumeOffset).toBe(2);
    expect(stream.takeAck()).toBeUndefined();
  });

  it("says what of an ended shell's output never came", () => {
    const stream = opened();
    stream.receive(0, bytes("abc"));
    expect(stream.missingAtEnd(3)).toBeUndefined();
    expect(stream.missingAtEnd(9)).toEqual({ from: 3, to: 9 });
  });
});
