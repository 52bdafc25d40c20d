// What a v1 user has typed, until the shell has it.
import { beforeEach, describe, expect, it } from "vitest";
import { frameBytes, readHeader } from "../../../../protocol/data-frame.ts";
import { MAX_DATA_BYTES, MAX_INPUT_IN_FLIGHT_BYTES } from "../../../../protocol/limits.ts";
import { UnackedInput } from "./unacked-input.ts";

const AT = { stream: 1, attachment: 2 };

let input: UnackedInput;
beforeEach(() => {
  input = new UnackedInput();
});

const push = (text: string) => input.push(Buffer.from(text));
const taken = () =>
  [...input.takeFrames(AT)].map((frame) => {
    const { offset, stream, attachment } = readHeader(frame);
    expect({ stream, attachment }).toEqual(AT);
    return [offset, Buffer.from(frameBytes(frame)).toString()] as const;
  });

describe("input of a v1 user", () => {
  it("is sent once, with its offsets", () => {
    push("ab");
    expect(taken()).toEqual([[0, "ab"]]);
    expect(taken()).toEqual([]);
    push("c");
    expect(taken()).toEqual([[2, "c"]]);
  });

  it("is cut into frames, and no more is in flight than a v2 client may have", () => {
    input.push(Buffer.alloc(MAX_INPUT_IN_FLIGHT_BYTES + 10));
    const first = taken();
    expect(first.every(([, text]) => text.length <= MAX_DATA_BYTES)).toBe(true);
    expect(first.reduce((sum, [, text]) => sum + text.length, 0)).toBe(MAX_INPUT_IN_FLIGHT_BYTES);
    expect(input.isFull).toBe(true);
    input.onAck(MAX_DATA_BYTES);
    expect(taken()).toEqual([[MAX_INPUT_IN_FLIGHT_BYTES, "\0".repeat(10)]]);
    expect(input.isFull).toBe(false);
  });

  it("that the shell has not taken is sent again where the attachment goes on", () => {
    push("abcdef");
    taken();
    input.onAck(2);
    input.restart(4, true);
    expect(taken()).toEqual([[4, "ef"]]);
  });

  it("that was typed before there was an attachment is sent from its offset", () => {
    push("abc");
    input.restart(7, false);
    expect(taken()).toEqual([[7, "abc"]]);
  });

  it("that may have been typed is never typed again on a new attachment, nor what follows it", () => {
    push("abc");
    taken();
    input.onAck(1);
    push("def");
    input.restart(0, false);
    expect(taken()).toEqual([]);
    push("g");
    expect(taken()).toEqual([[0, "g"]]);
  });

  it("bears acknowledgements that are old or beyond what there is", () => {
    push("abc");
    taken();
    input.onAck(0);
    input.onAck(2);
    input.onAck(1);
    input.onAck(100);
    expect(taken()).toEqual([]);
    push("d");
    expect(taken()).toEqual([[3, "d"]]);
  });
});
