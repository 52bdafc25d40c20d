import { expect, test } from "vitest";
import { containsPattern, searchText, storableJson, storableText } from "./text.ts";

test("what Postgres can't store becomes a replacement character", () => {
  expect(storableText("a\0b\ud800c😀")).toBe("a\uFFFDb\uFFFDc😀");
  expect(JSON.parse(storableJson({ deep: ["\0"], number: 1, none: undefined }))).toEqual({
    deep: ["\uFFFD"],
    number: 1,
  });
});

test("names are searched in any case and any composition", () => {
  expect(searchText("BU\u0308RO")).toBe(searchText("büro"));
});

test("a pattern's own characters lose their meaning", () => {
  expect(containsPattern("100%_\\")).toBe("%100\\%\\_\\\\%");
});

test.each(["\0", "\ud800", "\udfff", "a\udbffb", "\\u0000", "\\ud800", "\u{1f600}", "plain"])(
  "%j in JSON becomes what it becomes as a text",
  (text) => {
    expect(JSON.parse(storableJson({ deep: [text] }))).toEqual({ deep: [storableText(text)] });
  },
);
