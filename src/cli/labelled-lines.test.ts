// Lines of several, told apart.

import { beforeEach, expect, it } from "vitest";
import { LabelledLines } from "./labelled-lines.ts";

let lines: LabelledLines;
beforeEach(() => {
  lines = new LabelledLines("web: ");
});
const take = (text: string) => lines.take(Buffer.from(text));

it("gives whole lines alone, whatever pieces they come in", () => {
  expect(take("one\ntw")).toBe("web: one\n");
  expect(take("o")).toBe("");
  expect(take("\r\n\nthree")).toBe("web: two\nweb: \n");
  expect(lines.end()).toBe("web: three\n");
  expect(lines.end()).toBe("");
});

it("puts a character together that came in pieces", () => {
  const bytes = Buffer.from("…\n");
  expect(lines.take(bytes.subarray(0, 2)) + lines.take(bytes.subarray(2))).toBe("web: …\n");
});

it("lets nothing through that steers a terminal", () => {
  expect(take("\x1b[2Jx\u202e\n")).toBe("web: \\u001b[2Jx\\u202e\n");
});

it("does not wait for ever for the end of a line", () => {
  const told = take("x".repeat(40_000)).trimEnd().split("\n");
  expect(told.map((line) => line.length)).toEqual([16_389, 16_389]);
});
