// Which things have changed, in order. A watcher holds a place in it and no queue: one that reads slowly finds things
// that changed often once, and one that is too far behind begins anew.

import type { UserId } from "../../../protocol/ids.ts";
import { createWakeUps, type Waiter } from "../events/wake-ups.ts";

export interface Change<Key extends string> {
  key: Key;
  /** Whose thing it is: others are told nothing of it, not even that it is gone. */
  userId: UserId | undefined;
}

/** Some minutes of ten thousand agents that come and go; about 10 MB. Who is further behind begins anew. */
const MAX_CHANGES = 65_536;

export class ChangeLog<Key extends string> {
  /** Of this process's life: places of another one mean nothing here. */
  readonly boot: string;
  readonly #maxChanges: number;
  /** By version; those at or below `#floor` are gone. */
  readonly #changes = new Map<number, Change<Key>>();
  readonly #latest = new Map<Key, number>();
  readonly #wakeUps = createWakeUps();
  #head = 0;
  #floor = 0;

  constructor(boot: string, maxChanges = MAX_CHANGES) {
    this.boot = boot;
    this.#maxChanges = maxChanges;
  }

  get head(): number {
    return this.#head;
  }

  record(key: Key, userId: UserId | undefined): void {
    const older = this.#latest.get(key);
    if (older !== undefined) this.#changes.delete(older);
    this.#head += 1;
    this.#changes.set(this.#head, { key, userId });
    this.#latest.set(key, this.#head);
    this.#dropOldest();
    this.#wakeUps.wake();
  }

  /** Everything may have changed: every watcher begins anew. */
  recordAll(): void {
    this.#changes.clear();
    this.#latest.clear();
    this.#head += 1;
    this.#floor = this.#head;
    this.#wakeUps.wake();
  }

  /** The things that changed behind `after`, each once, and where to go on. "too_old": some are not known any more. */
  since(after: number, limit: number): { changes: Change<Key>[]; position: number } | "too_old" {
    if (after < this.#floor || after > this.#head) return "too_old";
    const changes: Change<Key>[] = [];
    for (const version of this.#versionsAfter(after)) {
      const change = this.#changes.get(version);
      if (change === undefined) continue;
      changes.push(change);
      if (changes.length >= limit) return { changes, position: version };
    }
    return { changes, position: this.#head };
  }

  waiter(): Waiter {
    return this.#wakeUps.waiter();
  }

  /** Ascending. Counts up from `after`, or goes through what is kept, whichever is less. */
  *#versionsAfter(after: number): Iterable<number> {
    if (this.#head - after <= this.#changes.size) {
      for (let version = after + 1; version <= this.#head; version++) yield version;
    } else {
      for (const version of this.#changes.keys()) if (version > after) yield version;
    }
  }

  /** A map keeps its order of insertion: the first is the oldest. */
  #dropOldest(): void {
    if (this.#changes.size <= this.#maxChanges) return;
    for (const [version, { key }] of this.#changes) {
      this.#changes.delete(version);
      this.#latest.delete(key);
      this.#floor = version;
      return;
    }
  }
}
