// Ctrl+] as terminals send it.
import { describe, expect, it } from "vitest";
import { splitAtDetach } from "./detach-key.ts";

const split = (text: string): [string, boolean] => {
  const { before, isDetach } = splitAtDetach(new TextEncoder().encode(text));
  return [new TextDecoder().decode(before), isDetach];
};

describe("splitAtDetach", () => {
  it("sends what comes before the key and nothing after it", () => {
    expect(split("ls\x1drm")).toEqual(["ls", true]);
    expect(split("ls\x1b[93;5urm")).toEqual(["ls", true]);
    expect(split("\x1b[93;5:1u")).toEqual(["", true]);
  });

  it("lets everything else through, arrow keys and a plain ] too", () => {
    expect(split("]\x1b[A\x1b[93;1u")).toEqual(["]\x1b[A\x1b[93;1u", false]);
  });
});
