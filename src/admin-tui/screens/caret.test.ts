// The caret in a text that is being edited.

import { describe, expect, it } from "vitest";
import { caretSpans } from "./caret.ts";

const texts = (value: string, caret: number, cols: number) =>
  caretSpans({ value, caret }, cols).map(({ text }) => text);

describe("the caret", () => {
  it("stands on a whole character, or on the blank behind the last", () => {
    expect(texts("a\u{1f600}b", 1, 20)).toEqual(["a", "\u{1f600}", "b"]);
    expect(texts("ae\u0301b", 1, 20)).toEqual(["a", "e\u0301", "b"]);
    expect(texts("ab", 2, 20)).toEqual(["ab", " ", ""]);
    expect(caretSpans({ value: "ab", caret: 0 }, 20)[1]?.style).toBe("cursor");
  });

  it("stays in sight: what has no room before it is left out", () => {
    expect(texts("abcdef", 6, 4)).toEqual(["def", " ", ""]);
    expect(texts("日本語", 3, 4)).toEqual(["語", " ", ""]);
  });
});
