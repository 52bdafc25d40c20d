// Which texts are names.
import { describe, expect, it } from "vitest";
import { harmlessText, MAX_NAME_LENGTH, nameProblem, textProblem } from "./names.ts";

const HOSTILE: [string, string][] = [
  ["NUL", "\u0000"],
  ["an escape sequence", "\u001b[2J"],
  ["a newline", "\n"],
  ["DEL", "\u007f"],
  ["a C1 control", "\u009b"],
  ["a bidi override", "\u202e"],
  ["a bidi isolate", "\u2066"],
  ["an Arabic letter mark", "\u061c"],
  ["a line separator", "\u2028"],
  ["a byte-order mark", "\ufeff"],
  ["half a character", "\ud800"],
];

describe("a name", () => {
  it.each(["box", "böx 7", "日本", "👩‍👩‍👧‍👦", "a".repeat(MAX_NAME_LENGTH)])("may be %s", (text) => {
    expect(nameProblem(text)).toBeUndefined();
  });

  it.each(HOSTILE)("has no %s in it", (_what, text) => {
    expect(nameProblem(`a${text}b`)).toMatch(/control/);
    expect(textProblem(`a${text}b`, 10)).toMatch(/control/);
    expect(harmlessText(`a${text}b`)).not.toContain(text);
  });

  it("is not empty, blank or too long; other texts may be empty", () => {
    for (const text of ["", "  ", "a".repeat(MAX_NAME_LENGTH + 1)]) expect(nameProblem(text)).toBeDefined();
    expect(textProblem("", 10)).toBeUndefined();
    expect(textProblem("a".repeat(11), 10)).toMatch(/at most 10/);
  });
});

describe("a stranger's text", () => {
  it("is made harmless and cut, never in the middle of a character", () => {
    expect(harmlessText("a\u001b[31mb\u0000c")).toBe("a[31mbc");
    expect(harmlessText("abcdef", 3)).toBe("abc");
    expect(harmlessText("ab😀", 3).isWellFormed()).toBe(true);
  });
});
