// The log of changes that watches follow: places in it, and its bound.

import { describe, expect, it } from "vitest";
import type { UserId } from "../../../protocol/ids.ts";
import { ChangeLog } from "./change-log.ts";

const ALICE = "alice" as UserId;

function keysSince(log: ChangeLog<string>, after: number, limit = 100): string[] | "too_old" {
  const since = log.since(after, limit);
  return since === "too_old" ? since : since.changes.map(({ key }) => key);
}

describe("a log of changes", () => {
  it("tells each thing once, where it changed last", () => {
    const log = new ChangeLog("boot");
    for (const key of ["a", "b", "a", "c", "a"]) log.record(key, ALICE);
    expect(keysSince(log, 0)).toEqual(["b", "c", "a"]);
    expect(keysSince(log, 4)).toEqual(["a"]);
    expect(keysSince(log, 5)).toEqual([]);
  });

  it("is read in pieces, each from where the one before ended", () => {
    const log = new ChangeLog("boot");
    for (const key of ["a", "b", "c"]) log.record(key, ALICE);
    expect(log.since(0, 2)).toMatchObject({ changes: [{ key: "a" }, { key: "b" }], position: 2 });
    log.record("a", ALICE);
    expect(log.since(2, 2)).toMatchObject({ changes: [{ key: "c" }, { key: "a" }], position: 4 });
  });

  it("says so where it has forgotten what a place stands for, or never had it", () => {
    const log = new ChangeLog("boot", 2);
    for (const key of ["a", "b", "c"]) log.record(key, ALICE);
    expect(keysSince(log, 0)).toBe("too_old");
    expect(keysSince(log, 1)).toEqual(["b", "c"]);
    expect(keysSince(log, 4)).toBe("too_old");
    log.recordAll();
    expect(keysSince(log, 3)).toBe("too_old");
    expect(keysSince(log, 4)).toEqual([]);
  });

  it("holds no more for things that change for ever", () => {
    const log = new ChangeLog("boot", 10);
    for (let n = 0; n < 100_000; n++) log.record(`key ${n % 7}`, ALICE);
    expect(keysSince(log, 3)).toHaveLength(7);
    for (let n = 0; n < 100_000; n++) log.record(`other ${n}`, ALICE);
    expect(keysSince(log, log.head - 10)).toHaveLength(10);
    expect(keysSince(log, log.head - 11)).toBe("too_old");
  });

  it("wakes who waits, and who was about to", async () => {
    const log = new ChangeLog("boot");
    const waiter = log.waiter();
    const { signal } = new AbortController();
    const woken = waiter.next(60_000, signal);
    log.record("a", ALICE);
    await woken;
    log.record("b", ALICE);
    await waiter.next(60_000, signal);
  });
});
