// Page tokens open for the list that sealed them, and for no other.
import { describe, expect, it } from "vitest";
import { openPageToken, sealPageToken } from "./page-token.ts";

const cursor = { value: "2026-01-01T00:00:00.000Z", id: "6f1b1c9e-0000-4000-8000-000000000001" };
const sealed = sealPageToken("key", "query", cursor);

describe("a page token", () => {
  it("opens to what was sealed", () => {
    expect(openPageToken("key", "query", sealed)).toEqual(cursor);
    const odd = { value: 'a"\\\u0000€', id: "" };
    expect(openPageToken("key", "q", sealPageToken("key", "q", odd))).toEqual(odd);
  });

  it("that is empty is the first page", () => {
    expect(openPageToken("key", "query", "")).toBeUndefined();
  });

  it("opens with no other key and for no other query", () => {
    expect(() => openPageToken("other", "query", sealed)).toThrow("invalid argument");
    expect(() => openPageToken("key", "other", sealed)).toThrow("invalid argument");
  });

  it("is refused where a single bit of it differs", () => {
    const bytes = Buffer.from(sealed, "base64url");
    for (let i = 0; i < bytes.length; i++) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(i) ^ 1, i);
      expect(() => openPageToken("key", "query", forged.toString("base64url"))).toThrow("invalid argument");
    }
  });

  it.each(["x", "!", "AAAA", "A".repeat(24), "A".repeat(5000)])("is not %j", (text) => {
    expect(() => openPageToken("key", "query", text)).toThrow("invalid argument");
  });
});
