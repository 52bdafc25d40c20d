// Which tokens were valid, in process.
import { describe, expect, it } from "vitest";
import { createSeenTokens } from "../../src/server/adapters/memory/seen-tokens.ts";

describe("tokens that were valid", () => {
  it("are known until they are forgotten", () => {
    const seen = createSeenTokens();
    expect(seen.has("one")).toBe(false);
    seen.add("one");
    seen.add("two");
    seen.forget("one");
    expect([seen.has("one"), seen.has("two")]).toEqual([false, true]);
  });

  it("are bounded, and those that were presented last are kept", () => {
    const seen = createSeenTokens({ maxHashes: 2 });
    for (const hash of ["a", "b", "a", "c"]) seen.add(hash);
    expect(["a", "b", "c"].map((hash) => seen.has(hash))).toEqual([true, false, true]);
  });
});
