// Last-used times reach the database in batches.
import { describe, expect, it, vi } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import type { TokenId } from "../../../protocol/ids.ts";
import type { TokenStore } from "./token.ts";
import { createTokenUsage } from "./token-usage.ts";

const A = "a" as TokenId;
const B = "b" as TokenId;
type Batch = Parameters<TokenStore["markUsed"]>[0];

function collector(markUsed: (batch: Batch) => Promise<void> = async () => {}) {
  const clock = manualClock(1000);
  const batches: Batch[] = [];
  const errors: unknown[] = [];
  const usage = createTokenUsage({
    clock,
    intervalMs: 1000,
    onError: (error) => void errors.push(error),
    tokens: {
      markUsed: (batch) => {
        batches.push(batch);
        return markUsed(batch);
      },
    },
  });
  return { clock, batches, errors, usage };
}

describe("token usage", () => {
  it("is written once for many uses, with the last time of each token", async () => {
    const { clock, batches, usage } = collector();
    usage.note(A);
    usage.note(B);
    clock.advance(5);
    usage.note(A);
    await usage.flush();
    expect(batches).toEqual([
      [
        { id: A, at: new Date(1005) },
        { id: B, at: new Date(1000) },
      ],
    ]);
  });

  it("of thousands is written in several statements, each token's once", async () => {
    const { batches, usage } = collector();
    for (let n = 0; n < 2_500; n++) usage.note(String(n) as TokenId);
    await usage.flush();
    expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 500]);
    expect(new Set(batches.flat().map(({ id }) => id)).size).toBe(2_500);
  });

  it("is written after the interval, and nothing is written where nothing was used", async () => {
    vi.useFakeTimers();
    try {
      const { batches, usage } = collector();
      usage.note(A);
      await vi.advanceTimersByTimeAsync(1000);
      expect(batches).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(batches).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is written on close, and noted no more", async () => {
    const { batches, usage } = collector();
    usage.note(A);
    await usage.close();
    usage.note(B);
    await usage.flush();
    expect(batches).toEqual([[{ id: A, at: new Date(1000) }]]);
  });

  it("reports a database that is away and goes on", async () => {
    let down = true;
    const { batches, errors, usage } = collector(async () => {
      if (down) throw new Error("away");
    });
    usage.note(A);
    await usage.flush();
    down = false;
    usage.note(B);
    await usage.flush();
    expect(errors).toHaveLength(1);
    expect(batches.at(-1)).toEqual([{ id: B, at: new Date(1000) }]);
  });

  it("collects a bounded number of tokens", async () => {
    const { batches, usage } = collector();
    for (let i = 0; i < 10_001; i++) usage.note(`token-${i}` as TokenId);
    await usage.close();
    expect(batches.flat()).toHaveLength(10_000);
  });
});
