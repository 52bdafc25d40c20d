// The error table's own rules; docs/errors.md is compared with it elsewhere.
import { describe, expect, it } from "vitest";
import { CLOSE, type ErrorReason, ERRORS, errorRow, isErrorReason } from "./errors.ts";

const REASONS = Object.keys(ERRORS) as ErrorReason[];

describe("the error table", () => {
  it.each(REASONS)("has a row for %s that every edge can use", (reason) => {
    const row = errorRow(reason);
    expect(row.message).toMatch(/^[a-z][a-z ]+$/);
    // A close frame has room for 123 bytes of text.
    expect(row.message.length).toBeLessThanOrEqual(123);
    expect(row.grpc).toBeGreaterThan(0);
    expect(row.http).toBeGreaterThanOrEqual(400);
    expect([1003, 1011, 1012, 1013].includes(row.ws) || (row.ws >= 4400 && row.ws < 4500)).toBe(true);
  });

  it("tells when to try again wherever a 503 is said", () => {
    for (const reason of REASONS)
      if (errorRow(reason).http === 503) expect(errorRow(reason).retryAfterS).toBeGreaterThan(0);
  });

  it("says 401, 403 and 404 only of what trying again can't change", () => {
    for (const reason of REASONS)
      if ([401, 403, 404].includes(errorRow(reason).http)) expect(errorRow(reason).retryAfterS).toBeUndefined();
  });

  it("knows its reasons and nothing that objects inherit", () => {
    expect(isErrorReason("TOKEN_INVALID")).toBe(true);
    for (const text of ["", "token_invalid", "toString", "__proto__", "constructor"])
      expect(isErrorReason(text)).toBe(false);
  });

  it("uses no close code that a peer may not send", () => {
    for (const code of Object.values(CLOSE)) expect([1004, 1005, 1006, 1015]).not.toContain(code);
  });
});
