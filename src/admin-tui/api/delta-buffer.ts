// Collects what a state watch tells, until it is taken: each thing once, as it is now.

import type { Delta } from "../state/feed-messages.ts";

export class DeltaBuffer<Message> {
  #upserted = new Map<string, Message>();
  #removed = new Set<string>();
  /** The keys of the snapshot under way; undefined between snapshots. */
  #snapshot: Set<string> | undefined;
  #kept: Set<string> | undefined;

  /** What comes until `endSnapshot` is all there is. */
  beginSnapshot(): void {
    this.#snapshot = new Set();
  }

  upsert(key: string, message: Message): void {
    this.#upserted.set(key, message);
    this.#removed.delete(key);
    this.#snapshot?.add(key);
    this.#kept?.add(key);
  }

  remove(key: string): void {
    this.#upserted.delete(key);
    this.#removed.add(key);
    this.#snapshot?.delete(key);
    this.#kept?.delete(key);
  }

  /** Returns how many things there are. */
  endSnapshot(): number {
    this.#kept = this.#snapshot;
    this.#snapshot = undefined;
    return this.#kept?.size ?? 0;
  }

  /** Undefined where nothing has been told since. */
  take(): Delta<Message> | undefined {
    if (this.#upserted.size === 0 && this.#removed.size === 0 && this.#kept === undefined) return undefined;
    const taken: Delta<Message> = { upserted: this.#upserted, removed: this.#removed, kept: this.#kept };
    this.#upserted = new Map();
    this.#removed = new Set();
    this.#kept = undefined;
    return taken;
  }
}
