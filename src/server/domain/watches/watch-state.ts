// Follows the state of many things for one watcher: a snapshot, then whatever changes, as it is when it is sent.

import type { UserId } from "../../../protocol/ids.ts";
import { pause } from "../events/wake-ups.ts";
import type { ChangeLog } from "./change-log.ts";

/** A place in a change log: everything up to it has been told. */
export interface WatchPosition {
  boot: string;
  version: number;
}

/** `position` is undefined while a snapshot is under way: who loses the watch then needs a whole one again. */
export type StateChange<Key extends string, Value> =
  | { kind: "upserted"; value: Value; position: WatchPosition | undefined }
  | { kind: "removed"; key: Key; position: WatchPosition }
  | { kind: "snapshot_end"; position: WatchPosition }
  | { kind: "resync_required"; position: undefined };

export interface WatchSource<Key extends string, Value> {
  changes: ChangeLog<Key>;
  /** All that the watcher may see and asked for, page by page. */
  snapshot(): AsyncIterable<readonly Value[]>;
  /** Of these keys, what is there, may be seen and was asked for. */
  read(keys: readonly Key[]): Promise<ReadonlyMap<Key, Value>>;
  /** May the watcher hear of this user's things? */
  mayHearOf(userId: UserId | undefined): boolean;
}

const BATCH = 200;
/** Things that change more often than this are told once. */
const MIN_INTERVAL_MS = 100;
/** Only a bound: changes wake the watcher. */
const POLL_MS = 60_000;

/** Resolves never; rejects when the signal aborts, `send` does, or the state can't be read. */
export async function watchState<Key extends string, Value>(
  source: WatchSource<Key, Value>,
  input: { resume: WatchPosition | undefined; signal: AbortSignal },
  send: (change: StateChange<Key, Value>) => Promise<void>,
): Promise<never> {
  const { changes } = source;
  const { resume, signal } = input;
  const waiter = changes.waiter();
  const at = (version: number): WatchPosition => ({ boot: changes.boot, version });

  /** What changes while it is read comes again afterwards. */
  async function sendSnapshot(): Promise<number> {
    const version = changes.head;
    for await (const page of source.snapshot()) {
      for (const value of page) await send({ kind: "upserted", value, position: undefined });
    }
    await send({ kind: "snapshot_end", position: at(version) });
    return version;
  }

  async function sendChanges(after: number): Promise<number> {
    const since = changes.since(after, BATCH);
    if (since === "too_old") {
      await send({ kind: "resync_required", position: undefined });
      return sendSnapshot();
    }
    const heard = since.changes.filter(({ userId }) => source.mayHearOf(userId));
    const values = heard.length === 0 ? undefined : await source.read(heard.map(({ key }) => key));
    for (const [index, { key }] of heard.entries()) {
      // Only the last completes what the position stands for.
      const position = at(index === heard.length - 1 ? since.position : after);
      const value = values?.get(key);
      await send(value === undefined ? { kind: "removed", key, position } : { kind: "upserted", value, position });
    }
    return since.position;
  }

  // A place of another process's life is as good as one that is too old.
  let version = resume === undefined ? await sendSnapshot() : resume.boot === changes.boot ? resume.version : -1;
  for (;;) {
    version = await sendChanges(version);
    if (version < changes.head) continue;
    await waiter.next(POLL_MS, signal);
    await pause(MIN_INTERVAL_MS, signal);
  }
}
