// Which modes a program has changed, however its output is cut.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScreenModes } from "./screen-modes.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function restored(...pieces: string[]): string {
  const modes = new ScreenModes();
  for (const piece of pieces) modes.feed(bytes(piece));
  return modes.restore();
}

describe("ScreenModes", () => {
  it("puts back what was changed, the alternate screen last", () => {
    expect(restored("\x1b[?1049h\x1b[?1000;1006h\x1b[?25l")).toBe("\x1b[?1000l\x1b[?1006l\x1b[?25h\x1b[?1049l");
  });

  it("leaves alone what was put back, or never changed", () => {
    expect(restored("\x1b[?1049hvim\x1b[?1049l\x1b[?25l\x1b[?25h\x1b[31mred\x1b[?25h")).toBe("");
  });

  it("puts back keypad and keyboard protocol, and forgets all at a reset", () => {
    expect(restored("\x1b=\x1b[>1u\x1b[>5u\x1b[<u")).toBe("\x1b>\x1b[<1u");
    expect(restored("\x1b[?2004h\x1b=\x1bc")).toBe("");
  });

  it("says whether a full-screen program is on", () => {
    const modes = new ScreenModes();
    modes.feed(bytes("\x1b[?1049h"));
    expect(modes.isAlternateScreen).toBe(true);
    modes.feed(bytes("\x1b[?1049l"));
    expect(modes.isAlternateScreen).toBe(false);
  });

  it("reads the same however the output is cut", () => {
    const part = fc.constantFrom(
      "\x1b[?1049h",
      "\x1b[?1049l",
      "\x1b[?25l",
      "\x1b[?2004h",
      "\x1b[0m",
      "text",
      "\x1b",
      "\x1b[>1u",
      "\x1bc",
      "ü",
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat(), { maxLength: 20 }), (parts, cuts) => {
        const all = bytes(parts.join(""));
        const whole = new ScreenModes();
        whole.feed(all);
        const cut = new ScreenModes();
        let at = 0;
        for (const next of [...cuts.map((n) => n % (all.length + 1)).sort((a, b) => a - b), all.length]) {
          cut.feed(all.subarray(at, next));
          at = next;
        }
        expect(cut.restore()).toBe(whole.restore());
      }),
    );
  });
});
