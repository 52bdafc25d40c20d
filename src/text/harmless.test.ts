// Nothing from a stranger steers a terminal.

import { describe, expect, it } from "vitest";
import { harmless } from "./harmless.ts";

describe("harmless", () => {
  it("shows controls, bidi marks and lone surrogates as text", () => {
    expect(harmless("a\r\nb\u202ec\u009bd\ud800")).toBe("a\\u000d\\u000ab\\u202ec\\u009bd\\ud800");
  });
});
