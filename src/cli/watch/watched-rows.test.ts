// What a watch tells, as changes.
import { describe, expect, it } from "vitest";
import type { StateResponse } from "../../watch/follow-watch.ts";
import { WatchedRows } from "./watched-rows.ts";

interface Row {
  id: string;
  size: number;
}

type Change = NonNullable<StateResponse<Row, string>["change"]>;

const upserted = (id: string, size = 0): Change => ({ $case: "upserted", value: { id, size } });
const removed = (value: string): Change => ({ $case: "removed", value });
const snapshotEnd: Change = { $case: "snapshotEnd", value: {} };
const resyncRequired: Change = { $case: "resyncRequired", value: {} };

function watched() {
  const rows = new WatchedRows<Row, string>({ keyOf: ({ id }) => id, removedKey: (id) => id, json: (row) => row });
  const changes = (...told: Change[]) =>
    told.flatMap((change) => rows.apply(change).map(({ kind, row }) => `${kind} ${row.id} ${row.size}`));
  return { rows, changes };
}

describe("watched rows", () => {
  it("tell what changes, and not what is told again as it was", () => {
    const { rows, changes } = watched();
    expect(changes(upserted("a"))).toEqual(["upserted a 0"]);
    expect(rows.isComplete).toBe(false);
    expect(changes(snapshotEnd, upserted("a"), upserted("a", 1), removed("a"), removed("a"))).toEqual([
      "upserted a 1",
      "removed a 1",
    ]);
    expect([rows.isComplete, rows.rows]).toEqual([true, []]);
  });

  it("tell what has gone unseen when a later snapshot is complete, and not before", () => {
    const { rows, changes } = watched();
    changes(upserted("a"), upserted("b"), snapshotEnd);
    expect(changes(resyncRequired, upserted("b"), upserted("c"))).toEqual(["upserted c 0"]);
    expect(rows.rows.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(changes(snapshotEnd)).toEqual(["removed a 0"]);
    expect(changes(snapshotEnd)).toEqual([]);
  });

  it("begin a snapshot anew where one broke off", () => {
    const { rows, changes } = watched();
    changes(upserted("a"));
    rows.beginSnapshot();
    expect(changes(upserted("b"), snapshotEnd)).toEqual(["upserted b 0", "removed a 0"]);
  });
});
