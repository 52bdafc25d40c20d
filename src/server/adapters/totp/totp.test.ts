// Codes as RFC 6238 has them, and what apps are given.
import { describe, expect, it } from "vitest";
import { createTotp } from "./totp.ts";

const totp = createTotp();
/** "12345678901234567890", the secret of the RFC's appendix B. */
const RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

describe("one-time codes", () => {
  it.each([
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ])("at %i s is the RFC's, and of that time step", (seconds, code) => {
    expect(totp.stepOf(RFC_SECRET, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  it("are taken one step early and late, and name their own step", () => {
    const code = "005924";
    const step = Math.floor(1_234_567_890 / 30);
    expect(totp.stepOf(RFC_SECRET, code, (step - 1) * 30_000)).toBe(step);
    expect(totp.stepOf(RFC_SECRET, code, (step + 2) * 30_000 - 1)).toBe(step);
    expect(totp.stepOf(RFC_SECRET, code, (step - 1) * 30_000 - 1)).toBeUndefined();
    expect(totp.stepOf(RFC_SECRET, code, (step + 2) * 30_000)).toBeUndefined();
  });

  it("have a secret of 160 bits, another one each time, that is in the address for the app", () => {
    const secret = totp.newSecret();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(totp.newSecret()).not.toBe(secret);
    const url = new URL(totp.url(secret, "ann:1@example.org"));
    expect(url.searchParams.get("secret")).toBe(secret);
    expect(url.searchParams.get("issuer")).toBe("Rexec");
    expect(url.pathname).toContain("ann%3A1%40example.org");
  });

  it("come with a QR code that is a square of blocks", () => {
    const lines = totp.qrText(totp.url(totp.newSecret(), "ann@example.org")).split("\n");
    const widths = new Set(lines.map((line) => line.length));
    expect(widths.size).toBe(1);
    // Two rows of squares on each line.
    expect(Math.abs(lines.length * 2 - (lines[0]?.length ?? 0))).toBeLessThanOrEqual(1);
  });
});
