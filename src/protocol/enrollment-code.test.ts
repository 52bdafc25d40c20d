// Enrolment codes, as they are made, shown and typed.
import { describe, expect, it } from "vitest";
import { enrollmentCodeOf, parseEnrollmentCode, showEnrollmentCode } from "./enrollment-code.ts";

describe("an enrolment code", () => {
  it.each([
    ["0000000000", "00000000"],
    ["ffffffffff", "ZZZZZZZZ"],
    ["00443214c7", "01234567"],
    ["4254b635cf", "89ABCDEF"],
    ["c675be77df", "RSTVWXYZ"],
  ])("holds every bit of %s: %s", (hex, code) => {
    expect(enrollmentCodeOf(hex)).toBe(code);
  });

  it("is shown in two groups, and read again", () => {
    expect(showEnrollmentCode("01234567")).toBe("0123-4567");
    expect(parseEnrollmentCode("0123-4567")).toBe("01234567");
  });

  it.each(["rstv-wxyz", "RSTVWXYZ", " rstv wxyz\n", "R-S-T-V-W-X-Y-Z", "rstv--wxyz"])("may be typed as %j", (typed) => {
    expect(parseEnrollmentCode(typed)).toBe("RSTVWXYZ");
  });

  it("may be typed with letters that look like digits", () => {
    expect(parseEnrollmentCode("oOiI-lL01")).toBe("00111101");
  });

  it.each(["", "-", "RSTVWXY", "RSTVWXYZ0", "RSTV_WXYZ", "RSTVWXYU", "RSTVWXYÄ", `RSTVWXYZ${" ".repeat(100)}`])(
    "is not %j",
    (typed) => {
      expect(parseEnrollmentCode(typed)).toBeUndefined();
    },
  );
});
