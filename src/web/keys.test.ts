// The page's own keys leave all others to the shells, and the key bar's Ctrl makes control characters.
import { expect, it } from "vitest";
import { controlOf } from "./key-bar.ts";
import { commandOf, SHORTCUTS } from "./shortcuts.ts";

const held = { altKey: true, shiftKey: true, ctrlKey: false, metaKey: false };

it("knows a command by its place on the keyboard, with Alt and Shift and nothing else", () => {
  expect(commandOf({ ...held, code: "Minus" })).toBe("below");
  for (const other of [{ altKey: false }, { shiftKey: false }, { ctrlKey: true }, { metaKey: true }]) {
    expect(commandOf({ ...held, ...other, code: "Minus" })).toBeUndefined();
  }
  expect(commandOf({ ...held, code: "KeyQ" })).toBeUndefined();
});

it("gives no two commands the same key", () => {
  const codes = SHORTCUTS.flatMap((shortcut) => shortcut.codes);
  expect(new Set(codes).size).toBe(codes.length);
});

it("holds Ctrl for letters and for what has a control character", () => {
  const typed = (text: string) => Array.from(text, (char) => controlOf(char.charCodeAt(0)));
  expect(typed("cC[_@")).toEqual([3, 3, 27, 31, 0]);
  expect(typed("1 é")).toEqual([0x31, 0x20, 0xe9]);
});
