// Lines of several, told apart.

import { beforeEach, expect, it } from "vitest";
import { LabelledLines } from "./labelled-lines.ts";

let printed: string[];
let lines: LabelledLines;
beforeEach(() => {
  printed = [];
  lines = new LabelledLines("web: ", (text) => printed.push(text));
});
const push = (text: string) => lines.push(Buffer.from(text));

it("prints whole lines alone, whatever pieces they come in", () => {
  push("one\ntw");
  expect(printed).toEqual(["web: one\n"]);
  push("o\r\n\nthree");
  lines.end();
  expect(printed).toEqual(["web: one\n", "web: two\n", "web: \n", "web: three\n"]);
});

it("puts a character together that came in pieces", () => {
  const bytes = Buffer.from("…\n");
  lines.push(bytes.subarray(0, 2));
  lines.push(bytes.subarray(2));
  expect(printed).toEqual(["web: …\n"]);
});

it("lets nothing through that steers a terminal", () => {
  push("\x1b[2Jx\u202e\n");
  expect(printed).toEqual(["web: \\u001b[2Jx\\u202e\n"]);
});

it("does not wait for ever for the end of a line", () => {
  push("x".repeat(40_000));
  expect(printed.map((line) => line.length)).toEqual([16_390, 16_390]);
});
