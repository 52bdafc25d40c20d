// When agents were last heard of, and what follows from silence. Pure: time is passed in.
//
//   heard ──15 s──▶ ping ──20 s──▶ suspect ──45 s──▶ offline
//     ▲───────────── any frame, or a pong ────────────┘ (too late: the connection is closed)

import { OFFLINE_AFTER_MS, PING_INTERVAL_MS } from "../../../protocol/limits.ts";

/** A ping is out and this much later still unanswered. */
const SUSPECT_AFTER_MS = PING_INTERVAL_MS + 5_000;

interface Heard<C> {
  connection: C;
  heardAtMs: number;
  pingedAtMs: number;
  suspect: boolean;
}

/** What the caller has to do now, each connection in at most one list of fates and perhaps in `ping`. */
export interface PresenceChanges<C> {
  ping: C[];
  suspect: C[];
  /** Was suspect, has answered. */
  back: C[];
  /** Silent for 45 s: forgotten here, to be closed by the caller. */
  offline: C[];
}

export class Presence<C> {
  readonly #connections = new Map<C, Heard<C>>();

  get size(): number {
    return this.#connections.size;
  }

  add(connection: C, now: number): void {
    this.#connections.set(connection, { connection, heardAtMs: now, pingedAtMs: now, suspect: false });
  }

  remove(connection: C): void {
    this.#connections.delete(connection);
  }

  heard(connection: C, now: number): void {
    const entry = this.#connections.get(connection);
    if (entry) entry.heardAtMs = now;
  }

  /** Call about once a second. */
  tick(now: number): PresenceChanges<C> {
    const changes: PresenceChanges<C> = { ping: [], suspect: [], back: [], offline: [] };
    for (const entry of this.#connections.values()) {
      const silentMs = now - entry.heardAtMs;
      if (silentMs >= OFFLINE_AFTER_MS) {
        this.#connections.delete(entry.connection);
        changes.offline.push(entry.connection);
        continue;
      }
      const suspect = silentMs >= SUSPECT_AFTER_MS;
      if (suspect !== entry.suspect) {
        entry.suspect = suspect;
        changes[suspect ? "suspect" : "back"].push(entry.connection);
      }
      if (now - entry.pingedAtMs >= PING_INTERVAL_MS) {
        entry.pingedAtMs = now;
        changes.ping.push(entry.connection);
      }
    }
    return changes;
  }
}
