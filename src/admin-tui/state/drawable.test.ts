// Text from strangers, of a width and a length that can be drawn.

import { describe, expect, it } from "vitest";
import { drawable, drawableId } from "./drawable.ts";

describe("a name", () => {
  it("has no control characters, nor what turns the direction of writing", () => {
    expect(drawable("a\u001b[31mb\u202ec")).toBe("a\\u001b[31mb\\u202ec");
  });

  it("loses what makes terminals disagree on its width", () => {
    expect(drawable("x\u200dy\ufe0fz\u00ad\u{1f3fd}")).toBe("xyz");
    expect(drawable("\u{1f1e9}\u{1f1ea}")).toBe("??");
  });

  it("wears two marks on a letter, not a thousand", () => {
    expect(drawable(`a${"\u0301".repeat(500)}b`)).toBe("a\u0301\u0301b");
  });

  it("has no more characters than anybody looks at", () => {
    expect(drawable("x".repeat(10_000))).toHaveLength(1_000);
  });
});

describe("an id", () => {
  it("of a server is left as it is", () => {
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e/main";
    expect(drawableId(id)).toBe(id);
  });

  it("shows what could not be seen: two that differ look different", () => {
    expect(drawableId("alice\u200d")).toBe("alice\\u{200d}");
    expect(drawableId("e\u0301\u001b")).toBe("e\\u{301}\\u001b");
  });

  it("stays the same when it is taken for one again", () => {
    const id = drawableId("e\u0301\u001b\u200d");
    expect(drawableId(id)).toBe(id);
  });
});
