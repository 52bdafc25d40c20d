// Editing a line of text.

import { describe, expect, it } from "vitest";
import type { KeyPress } from "../keys/key-press.ts";
import { textField, type TextField } from "./overlay.ts";
import { editText, insertText } from "./text-edit.ts";

/** "ab|c": the caret is the bar. */
function at(text: string): TextField {
  const caret = text.indexOf("|");
  return { ...textField("", text.replace("|", "")), caret };
}

function edit(text: string, ...names: string[]): string {
  let field = at(text);
  for (const name of names) {
    const press: KeyPress = name.length === 1 ? { kind: "character", text: name } : { kind: "named", name };
    field = editText(field, press) ?? field;
  }
  return `${field.value.slice(0, field.caret)}|${field.value.slice(field.caret)}`;
}

describe("a line of text", () => {
  it("takes what is typed where the caret is", () => {
    expect(edit("a|c", "b")).toBe("ab|c");
  });

  it("moves its caret by what is one character on the screen", () => {
    expect([edit("a👩‍💻|b", "left"), edit("a|👩‍💻b", "right"), edit("|a", "left"), edit("a|", "right")]).toEqual([
      "a|👩‍💻b",
      "a👩‍💻|b",
      "|a",
      "a|",
    ]);
    expect([edit("ab|c", "home"), edit("ab|c", "ctrl+e"), edit("a|b", "ctrl+a"), edit("a|b", "end")]).toEqual([
      "|abc",
      "abc|",
      "|ab",
      "ab|",
    ]);
  });

  it("loses whole characters, words, and what is before or behind the caret", () => {
    expect([edit("ae\u0301|b", "backspace"), edit("a|👩‍💻b", "ctrl+d"), edit("|a", "backspace")]).toEqual([
      "a|b",
      "a|b",
      "|a",
    ]);
    expect([edit("ab|cd", "ctrl+u"), edit("ab|cd", "ctrl+k"), edit("one two  |x", "ctrl+w")]).toEqual([
      "|cd",
      "ab|",
      "one |x",
    ]);
  });

  it("does not know keys that edit nothing", () => {
    expect(editText(at("a|"), { kind: "named", name: "pagedown" })).toBeUndefined();
  });

  it("makes one line of a paste, and takes nothing that is no text", () => {
    expect(insertText(at("a|b"), "x\r\n\ty\u001b\u0000\u009b\u202ez").value).toBe("ax yzb");
  });

  it("is bounded: the rest of a paste that went wrong is left out", () => {
    const pasted = insertText(at("a|b"), "x".repeat(10_000));
    expect([pasted.value.length, pasted.caret, pasted.value.at(-1)]).toEqual([500, 499, "b"]);
    expect(insertText(pasted, "y")).toEqual(pasted);
  });
});
