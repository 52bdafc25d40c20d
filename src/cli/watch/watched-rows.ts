// What a state watch has told so far: every row as it is now, and what each response changes of it.

import type { StateResponse } from "../../watch/follow-watch.ts";

export interface RowChange<Row> {
  kind: "upserted" | "removed";
  /** Of one that is removed: as it was last. */
  row: Row;
}

interface Rules<Row, Removed> {
  keyOf(row: Row): string;
  removedKey(removed: Removed): string;
  /** The row as it is told: what is told the same is no change. */
  json(row: Row): object;
}

export class WatchedRows<Row, Removed> {
  readonly #rules: Rules<Row, Removed>;
  readonly #rows = new Map<string, { row: Row; told: string }>();
  /** The keys of the snapshot under way; undefined between snapshots. */
  #snapshot: Set<string> | undefined = new Set();
  #isComplete = false;

  constructor(rules: Rules<Row, Removed>) {
    this.#rules = rules;
  }

  get rows(): Row[] {
    return Array.from(this.#rows.values(), ({ row }) => row);
  }

  /** All there is has been told once. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** A stream that begins without a place begins with a snapshot. */
  beginSnapshot(): void {
    this.#snapshot = new Set();
  }

  apply(change: StateResponse<Row, Removed>["change"]): RowChange<Row>[] {
    switch (change?.$case) {
      case "upserted":
        return this.#upsert(change.value);
      case "removed":
        return this.#remove([this.#rules.removedKey(change.value)]);
      case "snapshotEnd":
        return this.#endSnapshot();
      case "resyncRequired":
        this.beginSnapshot();
        return [];
      case undefined:
        return [];
      default:
        return change satisfies never;
    }
  }

  #upsert(row: Row): RowChange<Row>[] {
    const key = this.#rules.keyOf(row);
    const told = JSON.stringify(this.#rules.json(row));
    const before = this.#rows.get(key);
    this.#snapshot?.add(key);
    this.#rows.set(key, { row, told });
    return before?.told === told ? [] : [{ kind: "upserted", row }];
  }

  #remove(keys: readonly string[]): RowChange<Row>[] {
    return keys.flatMap((key) => {
      const before = this.#rows.get(key);
      this.#rows.delete(key);
      this.#snapshot?.delete(key);
      return before === undefined ? [] : [{ kind: "removed", row: before.row }];
    });
  }

  /** What the snapshot does not hold has gone while nobody was told. */
  #endSnapshot(): RowChange<Row>[] {
    const present = this.#snapshot;
    this.#snapshot = undefined;
    this.#isComplete = true;
    return present === undefined ? [] : this.#remove([...this.#rows.keys()].filter((key) => !present.has(key)));
  }
}
