// What arrives from the keyboard, as keys.

import { describe, expect, it } from "vitest";
import { type InkKey, keyName, keyPresses } from "./key-press.ts";

const NONE: InkKey = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageDown: false,
  pageUp: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
};

const names = (input: string, key: Partial<InkKey> = {}) => keyPresses(input, { ...NONE, ...key }).map(keyName);

describe("keys", () => {
  it("that were pressed fast arrive together, and count each", () => {
    expect(names("jjj")).toEqual(["j", "j", "j"]);
    expect(names("/ab\r")).toEqual(["/", "a", "b", "enter"]);
    expect(names("a\x7f\t\x1b ")).toEqual(["a", "backspace", "tab", "escape", "space"]);
    expect(names("\x04x")).toEqual(["ctrl+d", "x"]);
  });

  it("that type nothing have names", () => {
    expect([names("", { upArrow: true }), names("\r", { return: true }), names("", { pageDown: true })]).toEqual([
      ["up"],
      ["enter"],
      ["pagedown"],
    ]);
    expect([names("d", { ctrl: true }), names("", { ctrl: true }), names("\t", { tab: true, shift: true })]).toEqual([
      ["ctrl+d"],
      [],
      ["shift+tab"],
    ]);
  });

  it("of one character on the screen are one key, however many code units it has", () => {
    expect(names("é👩‍💻e\u0301")).toEqual(["é", "👩‍💻", "e\u0301"]);
  });

  it("with Meta are none that are known", () => {
    expect(names("j", { meta: true })).toEqual([]);
  });

  it("keep their case", () => {
    expect(names("D", { shift: true })).toEqual(["D"]);
  });
});
