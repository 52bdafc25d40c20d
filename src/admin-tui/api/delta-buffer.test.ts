// What a state watch has told, until it is taken.

import { describe, expect, it } from "vitest";
import { MAX_EVENTS } from "../state/model.ts";
import { event } from "../../../test/support/tui-state.ts";
import { DeltaBuffer } from "./delta-buffer.ts";
import { FeedBatch } from "./feed-batch.ts";

describe("a delta buffer", () => {
  it("has nothing where nothing was told", () => {
    expect(new DeltaBuffer<string>().take()).toBeUndefined();
  });

  it("holds each thing once, as it is now, and gives it once", () => {
    const buffer = new DeltaBuffer<string>();
    buffer.upsert("a", "1");
    buffer.upsert("a", "2");
    buffer.upsert("b", "1");
    buffer.remove("b");
    buffer.remove("c");
    buffer.upsert("c", "3");
    expect(buffer.take()).toEqual({
      upserted: new Map([
        ["a", "2"],
        ["c", "3"],
      ]),
      removed: new Set(["b"]),
      kept: undefined,
    });
    expect(buffer.take()).toBeUndefined();
  });

  it("says at a snapshot's end what there is, so that the rest is swept away", () => {
    const buffer = new DeltaBuffer<string>();
    buffer.beginSnapshot();
    buffer.upsert("a", "1");
    buffer.upsert("b", "1");
    // Half of it is shown already: nothing is swept away before its end.
    expect(buffer.take()?.kept).toBeUndefined();
    buffer.upsert("c", "1");
    buffer.remove("b");
    expect(buffer.endSnapshot()).toBe(2);
    expect(buffer.take()).toEqual({
      upserted: new Map([["c", "1"]]),
      removed: new Set(["b"]),
      kept: new Set(["a", "c"]),
    });
  });

  it("does not sweep away what came right after the snapshot", () => {
    const buffer = new DeltaBuffer<string>();
    buffer.beginSnapshot();
    buffer.upsert("a", "1");
    buffer.endSnapshot();
    buffer.upsert("b", "1");
    buffer.remove("a");
    expect(buffer.take()?.kept).toEqual(new Set(["b"]));
  });

  it("keeps everything while a snapshot that broke off begins anew", () => {
    const buffer = new DeltaBuffer<string>();
    buffer.beginSnapshot();
    buffer.upsert("a", "1");
    buffer.beginSnapshot();
    buffer.upsert("b", "1");
    expect(buffer.take()?.kept).toBeUndefined();
    buffer.endSnapshot();
    expect(buffer.take()?.kept).toEqual(new Set(["b"]));
  });
});

describe("a batch of all feeds", () => {
  it("has nothing where nothing was told, and gives what was told once", () => {
    const batch = new FeedBatch();
    expect(batch.take()).toBeUndefined();
    batch.addStats("a", { measuredAt: undefined, cpuPercent: 1 });
    batch.addStats("a", { measuredAt: undefined, cpuPercent: 2 });
    expect(batch.take()?.stats).toEqual(new Map([["a", { measuredAt: undefined, cpuPercent: 2 }]]));
    expect(batch.take()).toBeUndefined();
  });

  it("lets the oldest events go at its bound, and says that some are missing", () => {
    const batch = new FeedBatch();
    for (let i = 1; i <= 2 * MAX_EVENTS; i++) batch.addEvent(event(i, "x"));
    const events = batch.take()?.events ?? [];
    expect([events.length, events[0]]).toEqual([MAX_EVENTS, "gap"]);
    expect(events[1]).toMatchObject({ sequence: MAX_EVENTS + 2 });
  });

  it("puts what happened before in front", () => {
    const batch = new FeedBatch();
    batch.addEvent(event(9, "x"));
    batch.addPastEvents([event(7, "x"), event(8, "x")]);
    expect(batch.take()?.events).toMatchObject([{ sequence: 7 }, { sequence: 8 }, { sequence: 9 }]);
  });
});
